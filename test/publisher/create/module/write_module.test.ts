import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ModuleInput, writeModule } from "../../../../publisher/create/module/write_module.ts";
import type { PatchObject, PatchSection } from "../../../../publisher/create/patch_object.ts";
import { readLivepatchModule } from "../../../../publisher/module/livepatch_module.ts";
import { objectName } from "../../../../shared/brand.ts";
import { parseSections } from "../../../../shared/elf/sections.ts";
import { RebootlessError } from "../../../../shared/errors.ts";
import { KERNEL_6_1, own, returnZero, text, versionUnit, vmlinux } from "./hand_made.ts";

const version = versionUnit("patched\n", { kind: "export", name: "seq_write", crc: 0x1234_5678 });
const make = (units: readonly PatchObject[], more: Partial<ModuleInput> = {}): Uint8Array =>
  writeModule({
    name: objectName("rebootless_test"),
    kernel: KERNEL_6_1,
    units,
    hooks: [],
    replace: false,
    ...more,
  });
const hook = (object: string, ...names: readonly string[]): PatchObject => ({
  object: objectName(object),
  source: `${object}-hooks.c`,
  sections: names.map((name) => text(name, [0x31, 0xc0, 0xc3])),
  symbols: names.map((name, section) => ({ name, section, offset: 0, size: 3, kind: "function" })),
  replaces: [],
  importNamespaces: [],
});
const special = (name: string, relocations: PatchSection["relocations"] = []): PatchSection => ({
  name,
  type: 1,
  flags: 2n,
  align: 8,
  entrySize: 0,
  size: 16,
  bytes: new Uint8Array(16),
  relocations,
});

describe("a module that is written", () => {
  it("says what it replaces, read back", () => {
    const units = [returnZero("nf_tables", "nft_init", 2), version, returnZero("ext4", "ext4_free")];
    expect(readLivepatchModule(make(units))).toEqual({
      name: "rebootless_test",
      vermagic: KERNEL_6_1.vermagic,
      buildId: expect.stringMatching(/^[0-9a-f]{40}$/),
      objects: [
        { object: "vmlinux", functions: [{ name: "version_proc_show", position: 0 }], callbacks: [] },
        { object: "ext4", functions: [{ name: "ext4_free", position: 0 }], callbacks: [] },
        { object: "nf_tables", functions: [{ name: "nft_init", position: 2 }], callbacks: [] },
      ],
    });
  });

  it("has checksums only for a kernel that compares them", () => {
    const vermagic = KERNEL_6_1.vermagic.replace("modversions ", "");
    const without = make([version], { kernel: { ...KERNEL_6_1, vermagic, crcs: new Map() } });
    const hasVersions = (file: Uint8Array) => parseSections(file).some(({ name }) => name === "__versions");
    expect([hasVersions(make([version])), hasVersions(without)]).toEqual([true, false]);
  });

  it("is read beside data that livepatch relocates", () => {
    const { objects } = readLivepatchModule(make([withTable(".data.one", objectName("jbd2")), version]));
    expect(objects.map(({ object }) => object)).toEqual(["vmlinux", "ext4"]);
  });

  it("has the same bytes whatever the order of its units, and another build ID with other bytes", () => {
    const units = [version, returnZero("ext4", "ext4_free"), returnZero("ext4", "ext4_alloc", 1)];
    expect(Buffer.from(make(units)).equals(make(units.toReversed()))).toBe(true);
    const other = make([versionUnit("patchee\n", vmlinux("seq_write"))]);
    const one = make([versionUnit("patched\n", vmlinux("seq_write"))]);
    expect(other.length).toBe(one.length);
    expect(readLivepatchModule(other).buildId).not.toBe(readLivepatchModule(one).buildId);
  });

  it("gathers functions into one section each kind, and keeps names that mean something", () => {
    const unit = {
      ...version,
      sections: [...version.sections, special("__bug_table"), special(".data..percpu")],
    };
    const names = parseSections(make([unit, returnZero("ext4", "ext4_free")])).map(({ name }) => name);
    expect(names.filter((name) => !name.startsWith(".rela"))).toEqual([
      ...["", ".note.gnu.build-id", ".text", ".rodata", "__bug_table", ".data..percpu", ".data"],
      ...[
        ".init.text",
        ".exit.text",
        ".return_sites",
        ".orc_unwind_ip",
        ".orc_unwind",
        ".gnu.linkonce.this_module",
        ".modinfo",
        "__versions",
      ],
      ...[".symtab", ".strtab", ".shstrtab"],
    ]);
  });

  it("may have callbacks, and callbacks alone", () => {
    const file = make([version], {
      hooks: [hook("vmlinux", "helper", "pre_patch"), hook("ext4", "post_unpatch")],
    });
    expect(readLivepatchModule(file).objects).toEqual([
      {
        object: "vmlinux",
        functions: [{ name: "version_proc_show", position: 0 }],
        callbacks: ["pre_patch"],
      },
      { object: "ext4", functions: [], callbacks: ["post_unpatch"] },
    ]);
  });

  it("calls a hook of a unit that replaces functions, too", () => {
    const name = "pre_patch";
    const own = hook("vmlinux", name);
    const sections = [...version.sections, ...own.sections];
    const symbols = own.symbols.map((symbol) => ({ ...symbol, section: version.sections.length }));
    const unit = { ...version, sections, symbols: [...version.symbols, ...symbols] };
    expect(readLivepatchModule(make([unit])).objects).toEqual([
      { object: "vmlinux", functions: [{ name: "version_proc_show", position: 0 }], callbacks: [name] },
    ]);
  });

  it.each([
    ["nothing to replace", () => make([]), "usage"],
    ["a unit that replaces nothing", () => make([{ ...version, replaces: [] }]), "usage"],
    ["one function replaced twice", () => make([version, { ...version, source: "b.c" }]), "usage"],
    [
      "two pre_patch",
      () => make([], { hooks: [hook("ext4", "pre_patch"), { ...hook("ext4", "pre_patch"), source: "b.c" }] }),
      "usage",
    ],
    ["hooks without a hook", () => make([version], { hooks: [hook("vmlinux", "pre_apply")] }), "usage"],
    [
      "two checksums for one export",
      () => make([version, { ...returnZero("ext4", "f"), sections: [calling("seq_write")] }]),
      "usage",
    ],
    [
      "headers of another kernel",
      () => make([version], { kernel: { ...KERNEL_6_1, crcs: new Map() } }),
      "unsupported",
    ],
    [
      "a module's symbol in code that is built in",
      () => make([versionUnit("x", { ...extern, object: objectName("ext4") })]),
      "unsupported",
    ],
    [
      "a jump label of a module that may come later",
      () => make([withTable("__jump_table", objectName("ext4"))]),
      "unsupported",
    ],
    ["a relocation that the loader does not know", () => make([relocated(9, 9)]), "unsupported"],
    ["a relocation past the end", () => make([relocated(22, 4)]), "parse"],
    ["a relocation over bytes that are not zero", () => make([relocated(0, 4)]), "parse"],
    ["an absurd alignment", () => make([aligned(3)]), "unsupported"],
    ["an export's name that no checksum fits", () => make([calls("a".repeat(56))]), "limit"],
    ["a comma in a name", () => make([versionUnit("x", vmlinux("a b"))]), "unsupported"],
  ] satisfies readonly (readonly [string, () => Uint8Array, string])[])(
    "is refused with %s",
    (_, act, code) => {
      expect(act).toThrow(expect.objectContaining({ code }));
    },
  );

  it("resolves the kernel's symbols at once, and a module's own when that is there", () => {
    const names = (unit: PatchObject) =>
      parseSections(make([unit])).flatMap(({ name }) => (name.startsWith(".klp") ? [name] : []));
    expect(names(withTable(".data.one", objectName("jbd2")))).toEqual([".klp.rela.ext4..data"]);
    expect(names(withTable("__jump_table", objectName("vmlinux")))).toEqual([
      ".klp.rela.vmlinux.__jump_table",
    ]);
  });

  it("is bytes or an error of ours, whatever the unit", () => {
    const change = fc.record({
      section: fc.integer({ min: -1, max: 3 }),
      offset: fc.integer({ min: -8, max: 40 }),
      type: fc.integer({ min: 0, max: 45 }),
      align: fc.integer({ min: -1, max: 9000 }),
      flags: fc.bigInt({ min: 0n, max: 0x3fffn }),
      name: fc.string({ maxLength: 4 }),
      size: fc.integer({ min: -1, max: 40 }),
    });
    fc.assert(
      fc.property(change, ({ section, offset, type, align, flags, name, size }) => {
        const target = own(section, offset);
        const [code, ...rest] = version.sections;
        if (code === undefined) throw new Error("no code");
        const relocations = [...code.relocations, { offset, type, addend: 0n, target }];
        const sections = [{ ...code, name, flags, size, align, relocations }, ...rest];
        const symbols = [{ name, section, offset, size, kind: "none" as const }];
        try {
          make([{ ...version, sections, symbols }]);
        } catch (error) {
          expect(error).toBeInstanceOf(RebootlessError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

const extern = vmlinux("x") as Extract<ReturnType<typeof vmlinux>, { kind: "livepatch" }>;
const calls = (name: string): PatchObject => versionUnit("x", { kind: "export", name, crc: 1 });
const calling = (name: string): PatchSection =>
  text(
    "f",
    [0xe8, 0, 0, 0, 0, 0xc3],
    [{ offset: 1, type: 4, addend: -4n, target: { kind: "export", name, crc: 7 } }],
  );
const withTable = (name: string, object: typeof extern.object): PatchObject => {
  const unit = returnZero("ext4", "ext4_free");
  const relocation = { offset: 8, type: 1, addend: 0n, target: { ...extern, object } };
  return { ...unit, sections: [...unit.sections, { ...special(name, [relocation]), flags: 3n }] };
};
const relocated = (offset: number, type: number): PatchObject => {
  const [code, ...rest] = version.sections;
  if (code === undefined) throw new Error("no code");
  const relocations = [{ offset, type, addend: 0n, target: own(1) }];
  return { ...version, sections: [{ ...code, relocations }, ...rest] };
};
const aligned = (align: number): PatchObject => ({
  ...version,
  sections: version.sections.map((section) => ({ ...section, align })),
});

describe("binutils and kmod", () => {
  const folder = mkdtempSync(join(tmpdir(), "rebootless-module-"));
  const path = join(folder, "rebootless_test.ko");
  const run = (command: string, ...args: readonly string[]): string =>
    execFileSync(command, [...args, path], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  beforeAll(() => {
    const namespaced = { ...returnZero("ext4", "ext4_free"), importNamespaces: ["CRYPTO", "ANON"] };
    writeFileSync(path, make([version, namespaced]));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("readelf finds nothing to warn of, and the symbols where they belong", () => {
    const output = execFileSync("readelf", ["-aW", path], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    expect(output).not.toMatch(/warning|error/i);
    expect(output).toMatch(/ 28 FUNC {4}LOCAL {2}DEFAULT +\d+ version_proc_show\n/);
    expect(output).toMatch(/ 896 OBJECT {2}GLOBAL DEFAULT +\d+ __this_module\n/);
    expect(output).toMatch(/ 0 NOTYPE {2}GLOBAL DEFAULT {2}UND seq_write\n/);
    expect(output).toMatch(/000138 .* R_X86_64_64 +0+ init_module \+ 0\n0+350 .* cleanup_module \+ 0\n/);
  });

  it("objdump shows the code that enables the patch", () => {
    const output = run("objdump", "-drw", "-j", ".init.text");
    expect(output).toMatch(/endbr64/);
    expect(output).toMatch(/mov +\$0x0,%rdi.*R_X86_64_32S\s+\.data/);
    expect(output).toMatch(/jmp .*R_X86_64_PLT32\s+klp_enable_patch-0x4/);
  });

  it("modinfo and modprobe read what it says", () => {
    expect(
      run("/sbin/modinfo")
        .split("\n")
        .slice(1)
        .map((line) => line.replace(/ +/, " ")),
    ).toEqual([
      "license: GPL",
      "livepatch: Y",
      "import_ns: ANON",
      "import_ns: CRYPTO",
      "depends: ",
      "retpoline: Y",
      "name: rebootless_test",
      "creator: rebootless-publish create",
      `vermagic: ${KERNEL_6_1.vermagic}`,
      "",
    ]);
    expect(run("/sbin/modprobe", "--dump-modversions").split("\n").sort()).toEqual([
      "",
      "0x12345678\tseq_write",
      "0x5b8239ca\t__x86_return_thunk",
      "0x79b3c37e\tklp_enable_patch",
      "0xa351f379\tmodule_layout",
    ]);
  });
});
