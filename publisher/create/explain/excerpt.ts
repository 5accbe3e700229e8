/** The lines of the source that a refusal is about, or a sentence that says why there are none. */
export type SourceExplanation =
  | { readonly kind: "found"; readonly excerpts: readonly SourceExcerpt[] }
  | { readonly kind: "unknown"; readonly why: string };

/** The number of lines that are shown before and after each line that is meant. */
const AROUND_LINES = 2;
/** The most lines that are meant in one excerpt. */
const MAX_MEANT = 8;

/** A line of a source file. */
export interface ExcerptLine {
  /** The number, counted from 1. */
  readonly number: number;
  /** The text, as Latin-1. */
  readonly text: string;
  /** True for a line that the refusal is about, and false for what is around it. */
  readonly isMeant: boolean;
}

/** Some lines of a source file, in order. */
export interface SourceExcerpt {
  readonly path: string;
  /** True if the patch was applied to the file: the numbers are those of the patched file. */
  readonly isPatched: boolean;
  readonly lines: readonly ExcerptLine[];
}

/** Cuts lines out of a file. @param meant the numbers of the lines that are meant, counted from 1. */
export function cutOut(
  path: string,
  isPatched: boolean,
  lines: readonly string[],
  meant: readonly number[],
): SourceExcerpt {
  const shown = [...new Set(meant)]
    .filter((number) => number >= 1 && number <= lines.length)
    .sort((a, b) => a - b);
  const chosen = new Set(shown.slice(0, MAX_MEANT));
  const numbers = new Set<number>();
  for (const number of chosen)
    for (let near = number - AROUND_LINES; near <= number + AROUND_LINES; near++)
      if (near >= 1 && near <= lines.length) numbers.add(near);
  return {
    path,
    isPatched,
    lines: [...numbers]
      .sort((a, b) => a - b)
      .map((number) => ({ number, text: lines[number - 1] ?? "", isMeant: chosen.has(number) })),
  };
}

/** Formats an explanation, if there is one. */
export function explanationText(explanation: SourceExplanation | undefined): readonly string[] {
  if (explanation === undefined) return [];
  if (explanation.kind === "unknown") return [`its lines were not found: ${explanation.why}`];
  return explanation.excerpts.flatMap(excerptText);
}

/** Formats an excerpt: a line of where it is from, then the lines, with a mark before those that are meant. */
function excerptText({ path, isPatched, lines }: SourceExcerpt): readonly string[] {
  const width = String(lines.at(-1)?.number ?? 0).length;
  let last: number | undefined;
  return [
    `${path}${isPatched ? ", with the patch" : ""}:`,
    ...lines.flatMap(({ number, text, isMeant }) => {
      const gap = last !== undefined && number > last + 1 ? [" …"] : [];
      last = number;
      const shown = Buffer.from(text, "latin1").toString("utf8").replaceAll("\t", "        ");
      return [...gap, `${isMeant ? ">" : " "} ${String(number).padStart(width)}  ${shown}`.trimEnd()];
    }),
  ];
}
