const NOT_IN_A_LINE = /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;

/** Why a text is no line for people to read, if it is none: controls, ends of lines, or what reorders its neighbours. */
export function lineFault(text: string): string | undefined {
  const code = NOT_IN_A_LINE.exec(text)?.[0].codePointAt(0);
  if (code === undefined) return undefined;
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")} does not belong in a line of text`;
}
