import type { Edit, SourceChange } from "./kind.ts";

/*
 * Files of /proc that both series have in nearly the same form. Most kinds of change are tried in them: they are short,
 * built into every kernel, and what they do is easily seen.
 */

const END = { at: /^\treturn 0;/, put: "before" } as const;

/** Lines before the end of a function of fs/proc that prints. */
const atEndOf = (start: RegExp, lines: readonly string[]): Edit => ({ ...END, from: start, lines });

/** Lines at the end of what /proc/cmdline prints, and lines in front of the function. */
export const inCmdline = (lines: readonly string[], before: readonly string[] = []): SourceChange =>
  inProc("cmdline", lines, before);

/** The same for /proc/loadavg. */
export const inLoadavg = (lines: readonly string[], before: readonly string[] = []): SourceChange =>
  inProc("loadavg", lines, before);

/** The same for /proc/version. */
export const inVersion = (lines: readonly string[], before: readonly string[] = []): SourceChange =>
  inProc("version", lines, before);

function inProc(name: string, lines: readonly string[], before: readonly string[]): SourceChange {
  const start = new RegExp(`^static int ${name}_proc_show`);
  const first: readonly Edit[] = before.length === 0 ? [] : [{ at: start, put: "before", lines: before }];
  const last: readonly Edit[] = lines.length === 0 ? [] : [atEndOf(start, lines)];
  return { source: `fs/proc/${name}.c`, edits: [...first, ...last] };
}

/** A line of #include before the first one. */
export const include = (header: string): Edit => ({
  at: /^#include/,
  put: "before",
  lines: [`#include <${header}>`],
});
