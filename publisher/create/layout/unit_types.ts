import { sectionNamed } from "../object/section_bytes.ts";
import { type TypeTable, typeTable } from "./type_table.ts";

/** The section with the types that a unit uses, which the compiler writes (source/kbuild.ts, OBJECT_FLAGS). */
export const TYPES_SECTION = ".BTF";

/**
 * Returns the types of an object file, or undefined if the compiler wrote none.
 * @throws ParseError.
 * @throws RebootlessError `limit`.
 */
export function unitTypes(file: Uint8Array): TypeTable | undefined {
  const btf = sectionNamed(file, TYPES_SECTION);
  return btf && typeTable(btf);
}
