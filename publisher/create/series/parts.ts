import { counted } from "../../../shared/counted.ts";
import { groupBy } from "../../../shared/group_by.ts";
import { patchSteps } from "../source/patch_file.ts";
import type { Fix } from "./fix.ts";

/** A file that differs between two trees. */
export interface ChangedFile {
  readonly path: string;
  /** The old text as Latin-1; empty for a new file. */
  readonly before: string;
  /** The new text as Latin-1; empty for a file that is removed. */
  readonly after: string;
  /** The difference as a unified diff, as Latin-1. */
  readonly patch: string;
}

/** Reports whether a file includes a header, directly or through others. */
export type Includes = (file: string, header: string) => boolean;

/**
 * Divides the difference of two trees into connected parts, each of which is a fix of its own. Two files belong together
 * if a changed line of one declares a name (a function, a macro, a type, and in a header also a member or a constant),
 * which is new, gone, or declared in another way, and a changed line of the other uses that name. A name that a
 * header declares joins only files that include the header, or that declare the name as well, unless it is a member's:
 * types that have nothing to do with each other have members of the same name. What this rule does not
 * see is found out by trying: parts that cannot be made without each other come in together.
 */
export function connectedParts(files: readonly ChangedFile[], includes: Includes): readonly Fix[] {
  const read = files.map((file) => ({ ...file, ...namesOf(file) }));
  const users = new Map<string, number[]>();
  for (const [index, { used }] of read.entries())
    for (const name of used) users.set(name, [...(users.get(name) ?? []), index]);
  const joined = read.map((_, index) => index);
  const partOf = (index: number): number => {
    let at = index;
    while (joined[at] !== at) at = joined[at] ?? at;
    return at;
  };
  for (const [index, { path, declared }] of read.entries()) {
    for (const name of declared) {
      for (const user of users.get(name) ?? []) {
        const other = read[user];
        const isSame = !name.startsWith(".") && other?.declared.has(name);
        const isJoined =
          other !== undefined && (!path.endsWith(".h") || isSame || includes(other.path, path));
        if (isJoined) joined[partOf(user)] = partOf(index);
      }
    }
  }
  const parts = [...groupBy(read.entries(), ([index]) => partOf(index)).values()];
  return parts.map((part) => partFix(part.map(([, file]) => file)));
}

function partFix(files: readonly ChangedFile[]): Fix {
  const first = files.find(({ path }) => path.endsWith(".c")) ?? files[0];
  const id = first?.path ?? "";
  const others = files.length - 1;
  return {
    id,
    subject: others === 0 ? id : `${id} and ${counted(others, "file")} that belong to it`,
    cves: [],
    commits: [],
    steps: patchSteps(files.map(({ patch }) => patch).join("")),
  };
}

interface Names {
  /** The names that other files can use and that changed lines declare. A member's begins with a dot. */
  readonly declared: ReadonlySet<string>;
  /** The words of changed lines; those that follow a dot or an arrow also with a dot in front. */
  readonly used: ReadonlySet<string>;
}

const WORD = /\b[A-Za-z_]\w*\b/g;

/** The words of the language, and those that Linux has for its simplest types. They are nobody's declaration. */
const COMMON = new Set(
  (
    "auto bool break case char const continue default do double else enum extern false float for goto if inline int " +
    "long register return short signed sizeof static struct switch true typedef typeof union unsigned void volatile " +
    "while NULL u8 u16 u32 u64 s8 s16 s32 s64 size_t ssize_t loff_t __always_inline noinline"
  ).split(" "),
);

function namesOf({ path, before, after, patch }: ChangedFile): Names {
  if (!/\.[ch]$/.test(path)) return { declared: new Set(), used: new Set() };
  const isHeader = path.endsWith(".h");
  const [old, now] = [new Set(before.match(WORD)), new Set(after.match(WORD))];
  const declared = new Set<string>();
  const used = new Set<string>();
  for (const line of patch.split("\n").filter((each) => /^[+-](?!\+\+ |-- )/.test(each))) {
    const text = line.slice(1);
    for (const word of text.match(WORD) ?? []) used.add(word);
    for (const [, member] of text.matchAll(/(?:\.|->)\s*([A-Za-z_]\w*)/g)) used.add(`.${member}`);
    const name = declaredBy(text, isHeader);
    if (name !== undefined && !COMMON.has(name)) declared.add(name);
    const member = isHeader ? memberIn(text) : undefined;
    // Other types may have a member of the name, so it counts only if the header has it newly or no longer.
    if (member !== undefined && !COMMON.has(member) && !(old.has(member) && now.has(member)))
      declared.add(/^[A-Z][A-Z0-9_]*$/.test(member) ? member : `.${member}`);
  }
  return { declared, used };
}

/** Returns the function, macro, type or export that a line declares for other files. */
function declaredBy(line: string, isHeader: boolean): string | undefined {
  const macro = /^\s*#\s*define\s+(\w+)/.exec(line)?.[1];
  if (macro !== undefined) return isHeader ? macro : undefined;
  const exported = /^EXPORT_SYMBOL\w*\((\w+)/.exec(line)?.[1];
  if (exported !== undefined) return exported;
  const type = /^(?:struct|union|enum)\s+(\w+)\s*\{/.exec(line)?.[1];
  if (type !== undefined) return isHeader ? type : undefined;
  if (!isHeader && line.startsWith("static")) return undefined;
  const called = /^(?:[A-Za-z_]\w*[\s*]+)+(\w+)\s*\(/.exec(line)?.[1];
  return called ?? /^extern\s.*?(\w+)(?:\[[^\]]*\])?;/.exec(line)?.[1];
}

/** Returns the member or the constant that a line of a header declares. What is given a value and is no constant is a local variable. */
function memberIn(line: string): string | undefined {
  const constant = /^\s+([A-Z_][A-Z0-9_]*)\s*(?:,|=[^=])/.exec(line)?.[1];
  const type = /^\s+(?:[A-Za-z_][\w\s*]*[\s*])?/.source;
  const member = new RegExp(`${type}([A-Za-z_]\\w*)(?:\\[[^\\]]*\\]|\\s*:\\s*\\d+)?\\s*[;,]`).exec(line)?.[1];
  return constant ?? member;
}
