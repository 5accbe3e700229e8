import { utf8 } from "../bytes.ts";
import { isJsonObject, type JsonValue } from "../json.ts";

/**
 * Returns OLPC canonical JSON, the form that TUF signs (specification 4.2): without white space, with names sorted by
 * code point, with only `\` and `"` escaped. The signed part is put into this form as it was received, with unknown
 * members: what is verified is what was sent, not what we understood of it.
 */
export function canonicalJson(value: JsonValue): Uint8Array {
  const pieces: string[] = [];
  write(value, pieces);
  return utf8(pieces.join(""));
}

/**
 * Appends the pieces of the text, which are joined once: joined at every level, deeply nested text would be copied as
 * often.
 */
function write(value: JsonValue, pieces: string[]): void {
  if (isJsonObject(value)) {
    const members = [...value].sort(([a], [b]) => compareCodePoints(a, b));
    pieces.push("{");
    for (const [i, [name, member]] of members.entries()) {
      pieces.push(i === 0 ? "" : ",", quote(name), ":");
      write(member, pieces);
    }
    pieces.push("}");
  } else if (Array.isArray(value)) {
    pieces.push("[");
    for (const [i, item] of (value as readonly JsonValue[]).entries()) {
      if (i > 0) pieces.push(",");
      write(item, pieces);
    }
    pieces.push("]");
  } else pieces.push(typeof value === "string" ? quote(value) : String(value));
}

const quote = (value: string): string => `"${/["\\]/.test(value) ? value.replace(/["\\]/g, "\\$&") : value}"`;

/**
 * Compares two texts by code points. JavaScript compares UTF-16 units, which puts U+E000 to U+FFFF after the astral planes, whose units are
 * surrogates (U+D800 to U+DFFF). Both texts are well-formed: `parseJson` takes no lone surrogate.
 */
function compareCodePoints(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) {
    const [left, right] = [a.charCodeAt(i), b.charCodeAt(i)];
    if (left === right) continue;
    const astral = Number(isSurrogate(left)) - Number(isSurrogate(right));
    return astral === 0 ? left - right : astral;
  }
  return a.length - b.length;
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;
