import type { ObjectName } from "../../../shared/brand.ts";
import { concatBytes, utf8 } from "../../../shared/bytes.ts";
import { R_X86_64 } from "../../../shared/elf/rela.ts";
import { SECTION_FLAG, SECTION_TYPE } from "../../../shared/elf/sections.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { ENDBR64, JUMP, RETURN } from "../../../shared/x86/opcodes.ts";
import { ORC_ENTRY, PLACE } from "../../image/kernel_tables.ts";
import { MODVERSION_INFO } from "../../module/kernel_structs.ts";
import { CREATOR, CREATOR_KEY } from "../../module/made_by.ts";
import { ORC_ADDRESSES, ORC_ENTRIES } from "../object/section_role.ts";
import type { ModuleKernel } from "./module_kernel.ts";
import type { ModulePlace, ModuleSections, SectionPart } from "./module_sections.ts";
import { terminated } from "./string_table.ts";
import type { ModuleSymbol } from "./symbol_entries.ts";

const { alloc: ALLOC, write: WRITE, exec: EXEC } = SECTION_FLAG;
const RETURN_THUNK = "__x86_return_thunk";

const part = (name: string, flags: bigint, align: number, bytes: Uint8Array): SectionPart => ({
  name,
  type: SECTION_TYPE.progbits,
  flags,
  align,
  entrySize: 0,
  size: bytes.length,
  bytes,
});

/**
 * Writes the code of the module itself: an init function that goes on to klp_enable_patch(patch), and an
 * empty exit function, without which a module cannot be removed. Both are called through pointers, so on
 * kernels with indirect branch tracking they must begin with ENDBR64, which does nothing elsewhere.
 */
export function writeCode(
  sections: ModuleSections,
  kernel: ModuleKernel,
  patch: ModulePlace,
): readonly ModuleSymbol[] {
  // endbr64; mov $patch, %rdi; jmp klp_enable_patch
  const init = [...ENDBR64, 0x48, 0xc7, 0xc7, 0, 0, 0, 0, JUMP, 0, 0, 0, 0];
  const initAt = sections.append(part(".init.text", ALLOC | EXEC, 16, Uint8Array.from(init)));
  sections.relocate(at(initAt, 7), R_X86_64._32S, { kind: "place", place: patch });
  sections.relocate(at(initAt, 12), R_X86_64.PLT32, { kind: "symbol", name: "klp_enable_patch" }, -4n);
  const exit = kernel.hasReturnThunk ? [...ENDBR64, JUMP, 0, 0, 0, 0] : [...ENDBR64, RETURN];
  const exitAt = sections.append(part(".exit.text", ALLOC | EXEC, 16, Uint8Array.from(exit)));
  if (kernel.hasReturnThunk) {
    sections.relocate(at(exitAt, 5), R_X86_64.PLT32, { kind: "symbol", name: RETURN_THUNK }, -4n);
    // The loader may turn the jump at this place into a return.
    const site = sections.append(part(".return_sites", ALLOC, 4, new Uint8Array(4)));
    sections.relocate(site, R_X86_64.PC32, { kind: "place", place: at(exitAt, 4) });
  }
  for (const [start, size] of [
    [initAt, init.length],
    [exitAt, exit.length],
  ] as const)
    writeUnwind(sections, kernel, start, size);
  return [
    { name: "init_module", place: initAt, size: init.length, kind: "function", isGlobal: true },
    { name: "cleanup_module", place: exitAt, size: exit.length, kind: "function", isGlobal: true },
  ];
}

/** Writes the unwind data of code that leaves the stack as it is: one entry for all of it, and one that ends it. */
function writeUnwind(
  sections: ModuleSections,
  { unwindAtEntry }: ModuleKernel,
  start: ModulePlace,
  size: number,
): void {
  if (unwindAtEntry === undefined) return;
  const none = new Uint8Array(ORC_ENTRY.size);
  const places = sections.append(part(ORC_ADDRESSES, ALLOC, 4, new Uint8Array(2 * PLACE.size)));
  sections.append(part(ORC_ENTRIES, ALLOC, 2, concatBytes([unwindAtEntry, none])));
  sections.relocate(places, R_X86_64.PC32, { kind: "place", place: start });
  sections.relocate(at(places, PLACE.size), R_X86_64.PC32, { kind: "place", place: at(start, size) });
}

/** Writes struct module, of which the loader needs the name and the two functions. */
export function writeThisModule(
  sections: ModuleSections,
  { structs }: ModuleKernel,
  name: ObjectName,
): ModuleSymbol {
  const { size, name: nameAt, init, exit } = structs.module;
  const bytes = new Uint8Array(size);
  bytes.set(utf8(name), nameAt);
  // The structure asks for the alignment of a cache line.
  const place = sections.append(part(".gnu.linkonce.this_module", ALLOC | WRITE, 64, bytes));
  sections.relocate(at(place, init), R_X86_64._64, { kind: "symbol", name: "init_module" });
  sections.relocate(at(place, exit), R_X86_64._64, { kind: "symbol", name: "cleanup_module" });
  return { name: "__this_module", place, size, kind: "object", isGlobal: true };
}

/** Writes the module information that modinfo shows and the loader reads. */
export function writeModinfo(
  sections: ModuleSections,
  kernel: ModuleKernel,
  name: ObjectName,
  namespaces: readonly string[],
): void {
  const entries = [
    "license=GPL",
    "livepatch=Y",
    ...[...new Set(namespaces)].sort().map((namespace) => `import_ns=${namespace}`),
    "depends=",
    ...(kernel.wantsRetpoline ? ["retpoline=Y"] : []),
    `name=${name}`,
    `${CREATOR_KEY}=${CREATOR}`,
    `vermagic=${kernel.vermagic}`,
  ];
  sections.append(part(".modinfo", ALLOC, 1, concatBytes(entries.map(terminated))));
}

/**
 * Writes the checksums of everything that the module uses of the kernel, if the kernel compares them
 * (CONFIG_MODVERSIONS). The first is module_layout, which stands for struct module and the structures that belong to it.
 */
export function writeVersions(
  sections: ModuleSections,
  kernel: ModuleKernel,
  used: ReadonlyMap<string, number>,
): void {
  if (!kernel.vermagic.split(" ").includes("modversions")) return;
  const own = ["klp_enable_patch", ...(kernel.hasReturnThunk ? [RETURN_THUNK] : [])];
  const all = new Map(used);
  for (const name of own) all.set(name, crcOf(kernel, name));
  const entries = [...all.keys()].sort().map((name) => versionEntry(name, all.get(name) ?? 0));
  const first = versionEntry("module_layout", crcOf(kernel, "module_layout"));
  sections.append(part("__versions", ALLOC, 32, concatBytes([first, ...entries])));
}

function versionEntry(name: string, crc: number): Uint8Array {
  const bytes = terminated(name);
  const most = MODVERSION_INFO.fields.name.size;
  if (bytes.length > most)
    throw new RebootlessError(
      "limit",
      `the name ${name} is too long for a checksum: at most ${most - 1} characters are possible`,
    );
  return MODVERSION_INFO.encode({ crc: BigInt(crc), name: bytes });
}

function crcOf({ crcs }: ModuleKernel, name: string): number {
  const crc = crcs.get(name);
  if (crc !== undefined) return crc;
  throw new RebootlessError("unsupported", `the kernel's Module.symvers has no ${name}`, {
    hint: "Give the headers package of exactly this kernel.",
  });
}

const at = ({ section, offset }: ModulePlace, more: number): ModulePlace => ({
  section,
  offset: offset + more,
});
