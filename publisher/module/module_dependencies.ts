import { type ObjectName, objectName } from "../../shared/brand.ts";
import { parseSections, sectionBytes } from "../../shared/elf/sections.ts";
import { parseModinfo } from "./modinfo.ts";

/**
 * Lists the modules that must be loaded before a module (`depends=` of .modinfo).
 * @param file an uncompressed .ko.
 * @throws ParseError, RebootlessError `limit`.
 */
export function moduleDependencies(file: Uint8Array): readonly ObjectName[] {
  const section = parseSections(file).find(({ name }) => name === ".modinfo");
  const lists = section === undefined ? [] : (parseModinfo(sectionBytes(file, section)).get("depends") ?? []);
  return lists
    .flatMap((list) => list.split(","))
    .filter((name) => name !== "")
    .map((name) => objectName(name.replaceAll("-", "_")));
}
