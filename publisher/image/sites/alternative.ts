import type { ByteReader } from "../../../shared/byte_reader.ts";
import { SECTION_FLAG } from "../../../shared/elf/sections.ts";
import { ParseError } from "../../../shared/errors.ts";
import type { PatchSite } from "../patch_sites.ts";
import { mapEntries, type SiteSources, type SiteTable, sectionTable, siteOffset } from "./sources.ts";

/** One entry: at `site`, `length` bytes give way to `replacementLength` bytes from `replacement` on some CPUs. */
interface Alternative {
  readonly site: bigint;
  readonly replacement: bigint;
  readonly length: number;
  readonly replacementLength: number;
}

const ENTRY_SIZES = [12, 14] as const; // 14 since 6.3, where the feature number got 16 bits of flags

/** Instructions that are chosen by CPU features at boot (ALTERNATIVE in the kernel's source). */
export function alternativeSites(sources: SiteSources): readonly PatchSite[] {
  const table = sectionTable(sources, ".altinstructions");
  if (table === undefined) return [];
  const fitting = ENTRY_SIZES.map((size) => readEntries(table, size)).filter((entries) =>
    entries?.every((entry) => isPlausible(sources, entry)),
  );
  const [entries, other] = fitting;
  if (entries === undefined || (other !== undefined && entries.length > 0)) {
    throw new ParseError("the entries of .altinstructions are neither 12 nor 14 bytes long");
  }
  return entries.map(({ site, length }) => ({ kind: "alternative", at: siteOffset(sources, site), length }));
}

/** { s32 site - ., s32 replacement - ., feature (2 or 4 bytes), u8 length, u8 replacement length }. */
function readEntries(table: SiteTable, size: number): readonly Alternative[] | undefined {
  if (table.bytes.length % size !== 0) return undefined;
  return mapEntries(table, ".altinstructions", size, (reader: ByteReader, at) => {
    const site = at + BigInt(reader.s32());
    const replacement = at + 4n + BigInt(reader.s32());
    reader.skip(size - 10);
    return { site, replacement, length: reader.u8(), replacementLength: reader.u8() };
  });
}

/** The site is code and the replacement lies in its section: with the wrong entry size, neither holds for long. */
function isPlausible(sources: SiteSources, entry: Alternative): boolean {
  const replacements = sources.sections.find((s) => s.name === ".altinstr_replacement");
  const code = sources.sections.some(
    (s) =>
      (s.flags & SECTION_FLAG.exec) !== 0n &&
      entry.site >= s.address &&
      entry.site + BigInt(entry.length) <= s.address + BigInt(s.size),
  );
  if (!code || entry.length === 0) return false;
  if (entry.replacementLength === 0) return true;
  return (
    replacements !== undefined &&
    entry.replacement >= replacements.address &&
    entry.replacement + BigInt(entry.replacementLength) <= replacements.address + BigInt(replacements.size)
  );
}
