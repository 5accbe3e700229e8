import { fromUtf8, utf8 } from "../../bytes.ts";
import { counted } from "../../counted.ts";
import { ParseError } from "../../errors.ts";
import { lineFault } from "../../line.ts";
import { MAX_FUNCTION_NAME } from "../fingerprint.ts";

/**
 * The prefix of names of padding. Names are written one a line. From 6.6 on half of all symbols stand for the
 * padding before a function and have that function's name after this prefix; the line of that function is
 * then left empty.
 */
const PADDING_PREFIX = "__pfx_";
const LINE_FEED = 10;

export function encodeNames(names: readonly string[]): Uint8Array {
  const lines = names.map((name, i) => {
    requireName(name);
    return names[i - 1] === `${PADDING_PREFIX}${name}` ? "\n" : `${name}\n`;
  });
  return utf8(lines.join(""));
}

/**
 * Returns a function that gives the name of each function, and decodes each when it is asked for. Only reports need
 * names.
 * @throws ParseError when first asked, unless there are `count` lines; and for a malformed name.
 */
export function decodeNames(bytes: Uint8Array, count: number): (i: number) => string {
  let known: Uint32Array | undefined;
  const line = (i: number): string => {
    known ??= endsOf(bytes, count);
    const ends = known;
    const start = i === 0 ? 0 : (ends[i - 1] ?? 0) + 1;
    const end = ends[i] ?? start;
    if (end - start > MAX_FUNCTION_NAME) throw new ParseError(`a name of ${counted(end - start, "byte")}`);
    return fromUtf8(bytes.subarray(start, end));
  };
  return (i) => {
    const name = line(i);
    if (name !== "") return requireName(name);
    const before = i === 0 ? "" : line(i - 1);
    if (before.startsWith(PADDING_PREFIX)) return requireName(before.slice(PADDING_PREFIX.length));
    throw new ParseError(`function ${i} of a fingerprint file has no name`);
  };
}

/** Returns where each name ends. @throws ParseError unless there are `count`. */
function endsOf(bytes: Uint8Array, count: number): Uint32Array {
  const ends = new Uint32Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) {
    const end = bytes.indexOf(LINE_FEED, at);
    if (end < 0) throw new ParseError(`a fingerprint file of ${counted(count, "function")} has ${i} names`);
    ends[i] = end;
    at = end + 1;
  }
  if (at !== bytes.length) throw new ParseError("a fingerprint file has more names than functions");
  return ends;
}

function requireName(name: string): string {
  if (name !== "" && name.length <= MAX_FUNCTION_NAME && lineFault(name) === undefined) return name;
  throw new ParseError(`not the name of a function: ${JSON.stringify(name.slice(0, 80))}`);
}
