import assert from "node:assert/strict";
import type { Ended } from "./stage.ts";

/** Moves the cursor, wipes lines, reorders what is read, ends the text for who stops at NUL, and fakes lines of ours. */
export const ESCAPES = "fine\u001b[2J\u009b1A\r\u202eevil\0\u2028\napplied    what nobody applied";

/** Throws if anything that a program wrote does to a terminal or a log more than stand there. */
export function requirePlain(what: string, { stdout, stderr }: Pick<Ended, "stdout" | "stderr">): void {
  for (const line of `${stdout}${stderr}`.split("\n")) {
    assert.doesNotMatch(line, /[\p{C}\p{Zl}\p{Zp}]/u, `${what} wrote ${JSON.stringify(line)}`);
    assert.doesNotMatch(line, /^applied {4}what nobody applied/, `${what} wrote a line that is a lie`);
  }
}
