import { counted } from "../../shared/counted.ts";
import { ParseError } from "../../shared/errors.ts";
import { POINTER } from "./kernel_structs.ts";
import type { ObjectFile, SectionPlace } from "./object_file.ts";

/** The largest size of an array that has only the empty entry, in bytes. A klp_func has about 150 bytes. */
const MAX_EMPTY_BYTES = 1024;

/**
 * Finds the entries of an array of structures whose size is not known, because it differs between kernels. The array's
 * symbol says how many bytes it has, its last entry is empty, and `isEntry` recognises the others by their content. If
 * there are n others, an entry takes 1 / (n + 1) of the bytes, and each must lie at a multiple of that.
 * @throws ParseError if this does not hold.
 */
export function arrayEntries(
  file: ObjectFile,
  start: SectionPlace,
  what: string,
  isEntry: (place: SectionPlace) => boolean,
): readonly SectionPlace[] {
  const size = sizeAt(file, start, what);
  const entries: SectionPlace[] = [];
  for (let at = 0; at + POINTER <= size; at += POINTER) {
    const place = { section: start.section, offset: start.offset + at };
    if (isEntry(place)) entries.push(place);
  }
  const stride = size / (entries.length + 1);
  const regular = entries.every((entry, i) => entry.offset === start.offset + i * stride);
  if (entries.length === 0 || !regular || stride % POINTER !== 0) {
    throw new ParseError(
      `${what}: ${counted(entries.length, "entry", "entries")} and an empty one do not add up to its ${counted(size, "byte")}`,
    );
  }
  requireEmpty(
    file,
    { section: start.section, offset: start.offset + entries.length * stride },
    stride,
    what,
  );
  return entries;
}

/**
 * Returns true if an array of structures has only the empty entry. The compiler puts such data into a section that has no
 * bytes in the file.
 */
export function isEmptyArray(file: ObjectFile, start: SectionPlace): boolean {
  const size = file.objectSize(start) ?? 0;
  const plausible = size > 0 && size <= MAX_EMPTY_BYTES && size % POINTER === 0;
  return plausible && !file.isCode(start) && isZero(file, start, size);
}

function sizeAt(file: ObjectFile, start: SectionPlace, what: string): number {
  const size = file.objectSize(start);
  const available = file.bytes(start.section).length - start.offset;
  if (size === undefined) {
    throw new ParseError(`${what}: no symbol states its length`, {
      hint: "Give the module as it was built, with its local symbols (strip --strip-debug keeps them).",
    });
  }
  if (size > available)
    throw new ParseError(`${what}: ${counted(size, "byte")}, but only ${available} exist`);
  return size;
}

/** Refuses a last entry that is not empty. The kernel would go on past it, to functions that are not seen here. */
function requireEmpty(file: ObjectFile, start: SectionPlace, length: number, what: string): void {
  if (!isZero(file, start, length)) throw new ParseError(`${what}: its last entry is not empty`);
}

/** Returns true if the range has only zero bytes, and no pointer that the module loader would fill in. */
export function isZero(file: ObjectFile, { section, offset }: SectionPlace, length: number): boolean {
  const bytes = file.bytes(section);
  const pointers = file.pointers(section);
  for (let at = offset; at < offset + length; at++) {
    if ((bytes[at] ?? 0) !== 0 || pointers.has(at)) return false;
  }
  return true;
}
