/*
 * These functions write man(7) pages. All text of a page goes through `text` or `literal`. Otherwise, a backslash, or
 * a dot at the start of a line, would be a command to the formatter.
 */

const escaped = (raw: string): string => raw.replaceAll("\\", "\\e").replaceAll(/^([.'])/gm, "\\&$1");

/** Formats what the user types. Its hyphens are those of the keyboard. */
const literal = (raw: string): string => escaped(raw).replaceAll("-", "\\-");

export const bold = (raw: string): string => `\\fB${literal(raw)}\\fR`;
export const italic = (raw: string): string => `\\fI${literal(raw)}\\fR`;

/** Formats sentences. What is between backquotes is typed by the user, and becomes bold. */
export const text = (raw: string): string =>
  raw
    .split("`")
    .map((part, index) => (index % 2 === 0 ? escaped(part) : bold(part)))
    .join("");

export const paragraph = (raw: string): string => `.PP\n${text(raw)}\n`;
/** Writes a section. Its heading also begins a paragraph. */
export const section = (name: string, ...body: readonly string[]): string =>
  `.SH ${literal(name)}\n${body.join("").replace(/^\.PP\n/, "")}`;
export const subsection = (name: string, ...body: readonly string[]): string =>
  `.SS ${literal(name)}\n${body.join("")}`;
/** Writes a term, which is formatted already, and its meaning. */
export const item = (term: string, meaning: string): string => `.TP\n${term}\n${text(meaning)}\n`;
/** Writes lines without filling them. */
export const example = (lines: readonly string[]): string =>
  `.PP\n.nf\n.RS\n${lines.map(literal).join("\n")}\n.RE\n.fi\n`;

export interface Heading {
  readonly name: string;
  readonly section: number;
  readonly manual: string;
  readonly version: string;
  /** The date of the page, in seconds since 1970. */
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
