import { encode } from "uqr";

/** The white margin on each side, in modules, which ISO/IEC 18004 requires. */
const QUIET = 4;
/** The size of the largest code at the lowest level of error correction. */
export const MAX_QR_BYTES = 2953;

/** Encodes a text as modules, true for dark. The lowest level of error correction is enough on a screen. */
export const qrModules = (text: string): readonly (readonly boolean[])[] =>
  encode(text, { ecc: "L", border: QUIET }).data;

/** Draws a code in half blocks, two rows in each line. It is dark on light, whatever colours the terminal has. */
export function qrLines(text: string): readonly string[] {
  const rows = qrModules(text);
  return rows.flatMap((upper, i) => {
    if (i % 2 === 1) return [];
    const cells = upper.map((dark, column) => CELL[Number(dark)]?.[Number(rows[i + 1]?.[column] ?? false)]);
    return [`${BLACK_ON_WHITE}${cells.join("")}${PLAIN}`];
  });
}

/** The character of a cell, by whether its upper and its lower half are dark. */
const CELL = [
  [" ", "\u2584"],
  ["\u2580", "\u2588"],
] as const;
const BLACK_ON_WHITE = "\u001b[30;107m";
const PLAIN = "\u001b[0m";
