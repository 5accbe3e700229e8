import { describe, expect, it } from "vitest";
import { differentiate, type UnitDifference } from "../../../publisher/create/difference.ts";
import { paddingOf } from "../../../publisher/create/object/padding.ts";
import { openVersion } from "../../../publisher/create/object/version.ts";
import type { PatchObject } from "../../../publisher/create/patch_object.ts";
import { type ObjectName, objectName, VMLINUX } from "../../../shared/brand.ts";
import { compiled, kernelBy, moduleWith } from "./compiled.ts";

/** Entries as objtool writes them, about the place where the macro stands. */
const OBJTOOL = `
#define PLACE(table) asm volatile("777: .pushsection " table ",\\"a\\"\\n .long 777b - .\\n .popsection")
#define ORC(bytes) asm volatile("778: .pushsection .orc_unwind_ip,\\"a\\"\\n .long 778b - .\\n .popsection\\n" \\
  ".pushsection .orc_unwind,\\"a\\"\\n .byte " bytes "\\n .popsection")
#define NOTHING() asm volatile("")
#define SEAL(f) asm(".pushsection .ibt_endbr_seal,\\"a\\"\\n .long " #f " - .\\n .popsection")
`;

const NOTHING = "NOTHING();";

interface Setting {
  readonly flags?: readonly string[];
  readonly shipped?: string;
  readonly object?: ObjectName;
}

async function between(
  before: string,
  after: string,
  { flags = [], shipped = before, object = VMLINUX }: Setting = {},
): Promise<UnitDifference> {
  const kernel =
    object === VMLINUX ? kernelBy(flags, OBJTOOL + shipped) : moduleWith(OBJTOOL + shipped, object);
  const pair = {
    source: "unit.c",
    object,
    before: await compiled(OBJTOOL + before, flags),
    after: await compiled(OBJTOOL + after, flags),
    sourceBefore: before,
    sourceAfter: after,
  };
  return differentiate(pair, await kernel);
}

function made(found: UnitDifference): PatchObject {
  if (found.kind !== "patch") throw new Error(JSON.stringify(found));
  return found.patch;
}

const refusals = (found: UnitDifference): readonly string[] =>
  found.kind === "refused" ? found.refusals.map(({ code, reason }) => `${code}: ${reason}`) : [found.kind];

const sizeOf = ({ sections }: PatchObject, name: string): number =>
  sections.find((section) => section.name === name)?.size ?? 0;

describe("the padding before functions", () => {
  const PADDED = ["-fpatchable-function-entry=16,16"];

  it("is taken along, and calls go to the function behind it", async () => {
    const source = (n: number): string => `int f(int n) { return printk("a", n) + ${n}; }`;
    const patch = made(await between(source(5), source(6), { flags: PADDED }));
    const [{ section, offset } = { section: -1, offset: -1 }] = patch.replaces;
    expect(offset).toBe(16);
    expect([...(patch.sections[section]?.bytes.subarray(0, 16) ?? [])]).toEqual(Array(16).fill(0x90));
  });

  it("is found only where nothing but NOPs are before a function", async () => {
    const { unit } = openVersion(await compiled("int f(int n) { return n; }", PADDED));
    const f = unit.pieces.find(({ names }) => names.includes("f"));
    expect(f && paddingOf(unit, f)).toMatchObject({ size: 16, names: [] });
    const plain = openVersion(await compiled("int f(int n) { return n; }")).unit;
    const g = plain.pieces.find(({ names }) => names.includes("f"));
    expect(g && paddingOf(plain, g)).toBeUndefined();
  });
});

describe("what objtool derives from a function", () => {
  const returning = (n: number, entry = 'PLACE(".return_sites");'): string =>
    `int f(int n) { int a = printk("a", n) + ${n}; ${entry} return a; }`;

  it.each([".return_sites", ".retpoline_sites", ".call_sites"])(
    "must be what the shipped function has in %s",
    async (table) => {
      const entry = `PLACE("${table}");`;
      expect(sizeOf(made(await between(returning(5, entry), returning(6, entry))), table)).toBe(4);
      expect(
        refusals(
          await between(returning(5, NOTHING), returning(6, NOTHING), { shipped: returning(5, entry) }),
        ),
      ).toEqual([
        `run_pre: objtool has 0 entries in ${table} for the compiled old version, and 1 for the shipped function`,
      ]);
      expect(
        refusals(await between(returning(5, entry), returning(6, entry), { shipped: returning(5, NOTHING) })),
      ).toEqual([
        `run_pre: objtool has 1 entry in ${table} for the compiled old version, and 0 for the shipped function`,
      ]);
    },
  );

  it("must be the same unwind data", async () => {
    const object = objectName("unit");
    const source = (n: number, orc: string): string =>
      `int f(int n) { ORC("${orc}"); return printk("a", n) + ${n}; }`;
    const orc = "8,0,0,0,5,2";
    expect(sizeOf(made(await between(source(5, orc), source(6, orc), { object })), ".orc_unwind")).toBe(6);
    const other = await between(source(5, orc), source(6, orc), {
      object,
      shipped: source(5, "16,0,0,0,5,2"),
    });
    expect(refusals(other)[0]).toMatch(
      /^run_pre: the unwind data \(ORC\) is 080000000502 from byte \d+ in the compiled old version, and 100000000502 from byte \d+ in the shipped function$/,
    );
    const none = await between(source(5, orc).replace(/ORC\([^)]*\);/, NOTHING), source(6, orc), {
      object,
      shipped: source(5, orc),
    });
    expect(refusals(none)).toEqual([
      "run_pre: objtool has no unwind data (ORC) for the compiled old version",
    ]);
  });

  it("is added at the start of a function that has the same as the one before it", async () => {
    const PLACED = '__attribute__((section(".sched.text"))) ';
    const file = await compiled(
      `${OBJTOOL}${PLACED}int f(int n) { ORC("8,0,0,0,5,2"); return n; } ${PLACED}int g(int n) { return n + 1; }`,
    );
    const { unit, entries } = openVersion(file);
    const entriesOf = (name: string) =>
      entries.get(unit.pieces.find(({ names }) => names.includes(name))?.index ?? -1) ?? [];
    const unwind = entriesOf("g").filter(({ section }) => section.name === ".orc_unwind_ip");
    expect(unwind).toMatchObject([{ place: 0, unwind: Uint8Array.of(8, 0, 0, 0, 5, 2) }]);
    const g = unit.pieces.find(({ names }) => names.includes("g"))?.index;
    expect(unwind[0]?.references[0]?.target).toEqual({ kind: "piece", piece: g, offset: 0, isEntry: false });
  });
});

describe("functions that may not be called through a pointer", () => {
  const IBT = ["-fcf-protection=branch", "-mmanual-endbr"];
  const ALLOWED = "__attribute__((cf_check)) ";
  const REST = `${ALLOWED}int klp_enable_patch(void *p) { return p != 0; } extern void *slot;`;
  const unit = (body: string, more = ""): string =>
    `${REST} void *slot; ${more} noinline int bare(int n) { return other(n); }
     ${ALLOWED}noinline int open_(int n) { return other(n) + 1; } int f(int n) { ${body} return printk("a", n); }`;

  it("are not taken the address of", async () => {
    const found = await between(unit(""), unit("slot = bare;"), { flags: IBT });
    expect(refusals(found)).toEqual([
      "indirect_target: it takes the address of bare, which the running kernel does not allow to be called through a pointer (IBT)",
    ]);
    expect(made(await between(unit(""), unit("slot = open_;"), { flags: IBT })).replaces).toHaveLength(1);
    expect(made(await between(unit(""), unit("n += bare(n);"), { flags: IBT })).replaces).toHaveLength(1);
  });

  it("may be taken where the old version took them, and in kernels that do not track branches", async () => {
    const more = "void *before = 0; int bare(int); int g(void) { before = bare; return other(1); }";
    expect(
      made(await between(unit("", more), unit("slot = bare;", more), { flags: IBT })).replaces,
    ).toHaveLength(1);
    expect(made(await between(unit(""), unit("slot = bare;"))).replaces).toHaveLength(1);
  });

  it("are those that the kernel seals, too", async () => {
    const found = await between(unit(""), unit("slot = open_;"), {
      flags: IBT,
      shipped: `${unit("")} SEAL(open_);`,
    });
    expect(refusals(found)).toEqual([
      "indirect_target: it takes the address of open_, which the running kernel does not allow to be called through a pointer (IBT)",
    ]);
  });

  it("are sealed in the update if the shipped one is, or if nothing outside of the unit can take the address", async () => {
    const source = (n: number, kind = "", seal = "SEAL(f);"): string =>
      `${REST} ${ALLOWED}${kind} noinline int f(int n) { return printk("a", n) + ${n}; } ${seal} int g(int n) { return f(n) + other(n); }`;
    const seals = async (kind: string, shipped: string) =>
      sizeOf(
        made(await between(source(5, kind), source(6, kind), { flags: IBT, shipped })),
        ".ibt_endbr_seal",
      );
    expect(await seals("", source(5))).toBe(4);
    expect(await seals("", source(5, "", ""))).toBe(0);
    expect(await seals("static", source(5, "static", ""))).toBe(4);
    expect(
      refusals(await between(source(5, "", ""), source(6, "", ""), { flags: IBT, shipped: source(5) })),
    ).toEqual(["run_pre: the shipped function is in .ibt_endbr_seal, but its compiled old version is not"]);
  });
});
