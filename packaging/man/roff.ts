/*
 * man(7) pages. Text reaches the page through `text` or `literal` alone: a backslash, or a dot at the start of a line,
 * would otherwise be a command to the formatter.
 */

const escaped = (raw: string): string => raw.replaceAll("\\", "\\e").replaceAll(/^([.'])/gm, "\\&$1");

/** What is typed as it stands: its hyphens are the keyboard's. */
const literal = (raw: string): string => escaped(raw).replaceAll("-", "\\-");

export const bold = (raw: string): string => `\\fB${literal(raw)}\\fR`;
export const italic = (raw: string): string => `\\fI${literal(raw)}\\fR`;

/** Sentences; what stands between backquotes is bold, as it is typed. */
export const text = (raw: string): string =>
  raw
    .split("`")
    .map((part, index) => (index % 2 === 0 ? escaped(part) : bold(part)))
    .join("");

export const paragraph = (raw: string): string => `.PP\n${text(raw)}\n`;
/** A heading begins a paragraph by itself. */
export const section = (name: string, ...body: readonly string[]): string =>
  `.SH ${literal(name)}\n${body.join("").replace(/^\.PP\n/, "")}`;
export const subsection = (name: string, ...body: readonly string[]): string =>
  `.SS ${literal(name)}\n${body.join("")}`;
/** A term, formatted already, and what it means. */
export const item = (term: string, meaning: string): string => `.TP\n${term}\n${text(meaning)}\n`;
/** Lines as they stand. */
export const example = (lines: readonly string[]): string =>
  `.PP\n.nf\n.RS\n${lines.map(literal).join("\n")}\n.RE\n.fi\n`;

export interface Heading {
  readonly name: string;
  readonly section: number;
  readonly manual: string;
  readonly version: string;
  /** Seconds since 1970, for the page's date. */
  readonly seconds: number;
}

export function page(heading: Heading, purpose: string, sections: readonly string[]): string {
  const date = new Date(heading.seconds * 1000).toISOString().slice(0, 10);
  const fields = [date, `rebootless ${heading.version}`, heading.manual].map(
    (field) => `"${escaped(field)}"`,
  );
  return [
    `.TH ${literal(heading.name.toUpperCase())} ${heading.section} ${fields.join(" ")}\n`,
    section("NAME", `${literal(heading.name)} \\- ${text(purpose)}\n`),
    ...sections,
  ].join("");
}
