import type { Address } from "../../shared/brand.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { BTF_KIND, BTF_MEMBER, type BtfFile, type BtfRecord, openBtf } from "./btf_records.ts";
import type { KernelImage } from "./kernel_image.ts";

/** The size of a structure in bytes, and the offsets of its named members. */
export interface StructLayout {
  readonly name: string;
  readonly size: number;
  readonly members: ReadonlyMap<string, number>;
}

/** Returns the offset of a member. @throws ParseError if the structure has no such member. */
export function memberOffset({ name, members }: StructLayout, member: string): number {
  const offset = members.get(member);
  if (offset === undefined) throw new ParseError(`BTF: struct ${name} has no member ${member}`);
  return offset;
}

/**
 * Returns the type information that the kernel contains, which a running kernel shows as
 * /sys/kernel/btf/vmlinux.
 * @throws RebootlessError `unsupported` if it has none.
 */
export function kernelBtf({ symbols, memory }: Pick<KernelImage, "symbols" | "memory">): Uint8Array {
  const start = symbols.only("__start_BTF");
  const stop = symbols.only("__stop_BTF");
  if (start === undefined || stop === undefined || stop.address <= start.address) {
    throw new RebootlessError("unsupported", "the kernel image has no type information (BTF)", {
      hint: "The layout of the kernel's structures is read from it: the kernel must have CONFIG_DEBUG_INFO_BTF.",
    });
  }
  return memory.read(start.address as Address, Number(stop.address - start.address));
}

/**
 * Returns the layouts of the named structures. Equal copies of a structure count as one.
 * @throws ParseError if the information is malformed, a structure is missing, or two of one name differ.
 * @throws RebootlessError `limit`.
 */
export function structLayouts(btf: Uint8Array, names: readonly string[]): ReadonlyMap<string, StructLayout> {
  const file = openBtf(btf);
  const wanted = new Set(names);
  const layouts = new Map<string, StructLayout>();
  for (const record of file.records()) {
    if (record.kind !== BTF_KIND.struct || record.nameAt === 0) continue;
    const name = file.text(record.nameAt);
    if (!wanted.has(name)) continue;
    const layout = { name, size: record.sizeOrType, members: readMembers(file, record) };
    const before = layouts.get(name);
    if (before !== undefined && !isEqual(before, layout))
      throw new ParseError(`BTF: two different structs ${name}`);
    layouts.set(name, layout);
  }
  const absent = names.find((name) => !layouts.has(name));
  if (absent !== undefined) throw new ParseError(`BTF: no struct ${absent}`);
  return layouts;
}

function readMembers(file: BtfFile, { count, hasFlag, more }: BtfRecord): ReadonlyMap<string, number> {
  const members = new Map<string, number>();
  for (let i = 0; i < count; i++) {
    const nameAt = BTF_MEMBER.fields.name.read(more, i * BTF_MEMBER.size);
    const place = BTF_MEMBER.fields.place.read(more, i * BTF_MEMBER.size);
    const bits = hasFlag ? place & 0xff_ffff : place;
    // Members without a name, and bitfields within a byte, are of no use here.
    if (nameAt !== 0 && bits % 8 === 0) members.set(file.text(nameAt), bits / 8);
  }
  return members;
}

const isEqual = (a: StructLayout, b: StructLayout): boolean =>
  a.size === b.size &&
  a.members.size === b.members.size &&
  [...a.members].every(([name, offset]) => b.members.get(name) === offset);
