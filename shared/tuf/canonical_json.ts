import { utf8 } from "../bytes.ts";
import { isJsonObject, type JsonValue } from "../json.ts";

/**
 * OLPC canonical JSON, the form that TUF signs (specification 4.2): no white space, names sorted by code
 * point, only `\` and `"` escaped. The signed part is put into this form as it was received, unknown members
 * included: what is verified is what was sent, not what we understood of it.
 */
export function canonicalJson(value: JsonValue): Uint8Array {
  return utf8(text(value));
}

function text(value: JsonValue): string {
  if (isJsonObject(value)) {
    const members = [...value].sort(([a], [b]) => compareCodePoints(a, b));
    return `{${members.map(([name, member]) => `${quote(name)}:${text(member)}`).join(",")}}`;
  }
  if (Array.isArray(value)) return `[${(value as readonly JsonValue[]).map(text).join(",")}]`;
  return typeof value === "string" ? quote(value) : String(value);
}

const quote = (value: string): string => `"${value.replace(/["\\]/g, "\\$&")}"`;

/** JavaScript compares UTF-16 units, which puts U+E000 to U+FFFF after the astral planes. */
function compareCodePoints(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
