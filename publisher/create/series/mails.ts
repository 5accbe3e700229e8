import type { PatchMail } from "./fix.ts";

/** The line that begins a mail: "From 0123… Mon Sep 17 00:00:00 2001" of git, or "From someone Mon Sep …". */
const BEGINNING =
  /^From \S+\s+(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/**
 * Splits a file into mails, as git format-patch and mail programs write them (mbox). A file without such a line is one
 * patch. Lines of diffs begin with another character, so they do not begin a mail.
 * @param name the name of the file, by which mails are named that have no commit.
 */
export function mailsIn(name: string, text: string): readonly PatchMail[] {
  const starts: number[] = [];
  let isAfterEmpty = true;
  for (let at = 0; at < text.length; ) {
    const found = text.indexOf("\n", at);
    const end = found < 0 ? text.length : found;
    if (isAfterEmpty && text.startsWith("From ", at) && BEGINNING.test(text.slice(at, end).trimEnd()))
      starts.push(at);
    isAfterEmpty = text.slice(at, end).trim() === "";
    at = end + 1;
  }
  if (starts.length === 0) return [{ name, text }];
  return starts.map((start, index) => ({
    name: starts.length === 1 ? name : `${name}:${index + 1}`,
    text: text.slice(start, starts[index + 1]),
  }));
}
