/** A hunk of a unified diff: the lines it removes, and those it adds, by their numbers. */
const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/;
/** The first line of a function: it begins at the margin, and is neither a directive, a label nor a comment. */
const HEAD = /^[A-Za-z_][^=;]*?\b(\w+)\s*\(/;

/** What a file's difference touches. */
export interface Touched {
  /** The functions with changed lines. */
  readonly functions: ReadonlySet<string>;
  /** The names in changed lines that have an underscore. */
  readonly names: ReadonlySet<string>;
  /** The lines that are removed or added. */
  readonly lines: number;
}

/** @param patch one file's difference as a unified diff. */
export function touchedBy(before: string, after: string, patch: string): Touched {
  const [old, now] = [before.split("\n"), after.split("\n")];
  const functions = new Set<string>();
  const names = new Set<string>();
  let lines = 0;
  let [oldAt, nowAt] = [0, 0];
  for (const line of patch.split("\n")) {
    const hunk = HUNK.exec(line);
    if (hunk !== null) {
      [oldAt, nowAt] = [Number(hunk[1]) - 1, Number(hunk[2]) - 1];
    } else if (line.startsWith("--- ") || line.startsWith("+++ ")) {
      // the names of the files
    } else if (line.startsWith("-") || line.startsWith("+")) {
      const isOld = line.startsWith("-");
      lines += 1;
      const name = functionAt(isOld ? old : now, isOld ? oldAt : nowAt);
      if (name !== undefined) functions.add(name);
      for (const [word] of line.slice(1).matchAll(/\b\w+_\w+\b/g)) names.add(word);
      if (isOld) oldAt += 1;
      else nowAt += 1;
    } else if (line.startsWith(" ")) {
      oldAt += 1;
      nowAt += 1;
    }
  }
  return { functions, names, lines };
}

/** Finds the function that a line is in, as `diff -p` does: the kernel's style has its head and its end at the margin. */
function functionAt(lines: readonly string[], at: number): string | undefined {
  for (let line = at; line >= 0; line -= 1) {
    const text = lines[line] ?? "";
    if (text.startsWith("}") && line < at) return undefined;
    if (/^[A-Za-z_]/.test(text) && !/^\w+:/.test(text)) return HEAD.exec(text)?.[1];
  }
  return undefined;
}
