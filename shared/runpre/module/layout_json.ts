import { TEXT_OFFSETS, textOffset } from "../../brand.ts";
import type { Decoder } from "../../decode.ts";
import { type JsonObject, type JsonValue, jsonObject } from "../../json.ts";
import { decodeItsPages, itsPagesToJson } from "../landmarks_json.ts";
import { hasExtent } from "./bind.ts";
import { type Extent, MAX_BASES, MODULE_SPACE, type ModuleBase, type ModuleLayout } from "./layout.ts";

// The names of sections and symbols are at most KSYM_NAME_LEN long.
const MAX_NAME = 512;
// The sections of code that stays are `.text`, `.text.unlikely`, `.exit.text`, `.static_call.text` and the
// like.
const MAX_TEXT_SECTIONS = 256;

/** Writes { bases: [[kind, at, size, …] or [kind], …], its_pages }. */
export const layoutToJson = ({ bases, itsPages }: ModuleLayout): JsonObject =>
  jsonObject({ bases: bases.map(baseToJson), its_pages: itsPagesToJson(itsPages) });

function baseToJson(base: ModuleBase): JsonValue {
  switch (base.kind) {
    case "kernel":
    case "absolute":
      return [base.kind];
    case "text":
      return [base.kind, base.at, base.size, base.sections.map(([name, offset]) => [name, offset])];
    case "section":
      return [base.kind, base.at, base.size, base.name];
    case "named":
      return [base.kind, base.at, base.size, base.symbol, base.offset];
    case "import":
      return [base.kind, base.at, base.size, base.symbol, base.exported];
  }
}

/** Reads a layout. Number 0 is the text, and no two bases share an offset. @throws ParseError */
export function decodeLayout(layout: Decoder): ModuleLayout {
  const list = layout.get("bases");
  const bases = list.array(MAX_BASES).map(decodeBase);
  if (bases.findIndex(({ kind }) => kind === "text") !== 0) list.fail("the text is not the first");
  const extents = bases.filter(hasExtent).sort((a, b) => a.at - b.at);
  if (extents.some(({ at }, i) => at < end(extents[i - 1]))) list.fail("two bases overlap");
  return { bases, itsPages: decodeItsPages(layout.get("its_pages")) };
}

const end = (extent: Extent | undefined): number => (extent === undefined ? 0 : extent.at + extent.size);

function decodeBase(base: Decoder): ModuleBase {
  const [kind, at, size, name, detail] = base.array(5);
  const members = base.array(5).length;
  const expected = kind === undefined ? undefined : MEMBERS.get(kind.string());
  if (expected !== members || kind === undefined) return base.fail("not a base of a module's layout");
  if (kind.value === "kernel" || kind.value === "absolute") return { kind: kind.value };
  if (at === undefined || size === undefined || name === undefined) return base.fail("cut off");
  const extent = decodeExtent(at, size);
  if (kind.value === "text") return { kind: "text", ...extent, sections: decodeSections(name) };
  if (kind.value === "section") return { kind: "section", ...extent, name: name.line(MAX_NAME) };
  if (detail === undefined) return base.fail("cut off");
  const symbol = name.line(MAX_NAME);
  if (kind.value === "named") {
    return { kind: "named", ...extent, symbol, offset: detail.integer(0, TEXT_OFFSETS - 1) };
  }
  return { kind: "import", ...extent, symbol, exported: detail.line(MAX_NAME) };
}

const MEMBERS: ReadonlyMap<string, number> = new Map([
  ["kernel", 1],
  ["absolute", 1],
  ["text", 4],
  ["section", 4],
  ["named", 5],
  ["import", 5],
]);

function decodeExtent(at: Decoder, size: Decoder): Extent {
  const start = textOffset(at.integer(MODULE_SPACE, TEXT_OFFSETS - 1));
  return { at: start, size: size.integer(1, TEXT_OFFSETS - start) };
}

function decodeSections(list: Decoder): readonly (readonly [string, number])[] {
  const sections = list.array(MAX_TEXT_SECTIONS).map((entry) => {
    const [name, offset, ...rest] = entry.array(2);
    if (name === undefined || offset === undefined || rest.length > 0)
      return entry.fail("not a name and an offset");
    return [name.line(MAX_NAME), offset.integer(0, TEXT_OFFSETS - 1)] as const;
  });
  return sections.length > 0 ? sections : list.fail("no section of code");
}
