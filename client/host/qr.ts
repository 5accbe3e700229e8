import { encode } from "uqr";

/** Four modules of white on each side, as ISO/IEC 18004 wants. */
const QUIET = 4;
/** Bytes of the largest code at the lowest level of correction. */
export const MAX_QR_BYTES = 2953;

/** The code's modules, true for dark. The lowest level of correction: a screen has no dirt on it. */
export const qrModules = (text: string): readonly (readonly boolean[])[] =>
  encode(text, { ecc: "L", border: QUIET }).data;

/** Half blocks, two rows of the code in each line, dark on light whatever the terminal's colours are. */
export function qrLines(text: string): readonly string[] {
  const rows = qrModules(text);
  return rows.flatMap((upper, i) => {
    if (i % 2 === 1) return [];
    const cells = upper.map((dark, column) => CELL[Number(dark)]?.[Number(rows[i + 1]?.[column] ?? false)]);
    return [`${BLACK_ON_WHITE}${cells.join("")}${PLAIN}`];
  });
}

/** By what is dark: above, below. */
const CELL = [
  [" ", "\u2584"],
  ["\u2580", "\u2588"],
] as const;
const BLACK_ON_WHITE = "\u001b[30;107m";
const PLAIN = "\u001b[0m";
