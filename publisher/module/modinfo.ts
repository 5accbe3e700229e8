import { latin1 } from "../../shared/elf/strings.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";

// A driver with an alias for each device that it handles has some thousands of entries.
const MAX_ENTRIES = 65_536;

// The longest entries are descriptions and lists of dependencies. The limit is in bytes.
const MAX_ENTRY = 4096;

/**
 * Parses the `.modinfo` section, which has NUL-terminated "key=value" strings. A key may occur several times; its values
 * stay in their order. @throws ParseError, RebootlessError `limit`.
 */
export function parseModinfo(bytes: Uint8Array): ReadonlyMap<string, readonly string[]> {
  const entries = new Map<string, string[]>();
  let count = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at);
    if (end < 0 || end - at > MAX_ENTRY) throw new ParseError(`.modinfo: the string at ${at} does not end`);
    if (++count > MAX_ENTRIES)
      throw new RebootlessError("limit", `.modinfo: more than ${MAX_ENTRIES} strings`);
    if (end > at) addEntry(entries, latin1(bytes.subarray(at, end)));
    at = end + 1;
  }
  return entries;
}

function addEntry(entries: Map<string, string[]>, text: string): void {
  const equals = text.indexOf("=");
  if (equals < 1) throw new ParseError(`.modinfo: not key=value: ${JSON.stringify(text.slice(0, 80))}`);
  const key = text.slice(0, equals);
  const value = text.slice(equals + 1);
  const values = entries.get(key);
  if (values === undefined) entries.set(key, [value]);
  else values.push(value);
}
