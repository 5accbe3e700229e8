/** Controls (C0, DEL, C1), formatting that reorders or hides text (bidi, zero width), unassigned, separators of lines. */
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * Text of somebody else's making as a terminal may have it: nothing in it moves the cursor, reorders or hides
 * other text, or begins a new line.
 */
export function printable(text: string, max = 200): string {
  const short = [...text.slice(0, 2 * max)];
  const cut = short.length > max || text.length > 2 * max;
  const shown = cut ? `${short.slice(0, max).join("")}…` : text;
  return shown.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
