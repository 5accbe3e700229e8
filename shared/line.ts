const NOT_IN_A_LINE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/**
 * Says why a text is not a line for people to read (it has control characters, line ends, or something that
 * reorders its neighbours). Returns undefined if it is one.
 */
export function lineFault(text: string): string | undefined {
  const code = NOT_IN_A_LINE.exec(text)?.[0].codePointAt(0);
  if (code === undefined) return undefined;
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")} does not belong in a line of text`;
}
