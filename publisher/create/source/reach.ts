import { posix } from "node:path";
import { sourceOf } from "./affected.ts";
import type { FileChange } from "./apply_patch.ts";
import { type IncludeIndex, includersOf, mayMean } from "./include_index.ts";

/** Reports whether an object may be compiled from a file. It may say so of more objects than are, but never of fewer. */
export type Reaches = (path: string, object: string) => boolean;

/** Where the includes of a source are known. */
export interface KnownIncludes {
  readonly sources: IncludeIndex;
  includes(): Promise<IncludeIndex>;
}

/**
 * Finds which objects are compiled from which changed files: from a .c file its own object and those of files that
 * include it, from a header those of files that include it, before or after the changes.
 */
export async function reachOf(
  { sources, includes }: KnownIncludes,
  changes: readonly FileChange[],
): Promise<Reaches> {
  const hasHeaders = changes.some(({ path }) => !path.endsWith(".c"));
  const index = hasHeaders ? await includes() : sources;
  const added = changes.flatMap(addedIncludes);
  const reached = new Map(changes.map(({ path }) => [path, withAdded(index, path, added)]));
  return (path, object) => {
    const files = reached.get(path);
    return (
      files === undefined || files.has(sourceOf(object)) || ON_COMMAND_LINE.some((file) => files.has(file))
    );
  };
}

/** The headers that kbuild names on each command line (-include in the top makefiles of Linux 5.10 to 7.3). */
const ON_COMMAND_LINE = [
  "include/linux/compiler-version.h",
  "include/linux/compiler_types.h",
  "include/linux/kconfig.h",
] as const;

interface AddedInclude {
  readonly includer: string;
  readonly name: string;
}

/** Returns the includes that a change adds to a file. */
function addedIncludes({ path, before = "", after = "" }: FileChange): readonly AddedInclude[] {
  const named = (text: string): ReadonlySet<string> =>
    new Set([...text.matchAll(/^\s*#\s*include\s+["<]([^">\n]{1,200})[">]/gm)].map(([, name = ""]) => name));
  const old = named(before);
  return [...named(after)].filter((name) => !old.has(name)).map((name) => ({ includer: path, name }));
}

/** Returns the files that include a file, directly or through others, as the index has it and with added includes. */
function withAdded(index: IncludeIndex, path: string, added: readonly AddedInclude[]): ReadonlySet<string> {
  const reached = new Set([path, ...includers(index, path)]);
  for (let count = 0; count !== reached.size; ) {
    count = reached.size;
    for (const { includer, name } of added) {
      const isMeant = (file: string): boolean =>
        posix.basename(file) === posix.basename(name) && mayMean(includer, name, file);
      if (reached.has(includer) || ![...reached].some(isMeant)) continue;
      for (const file of [includer, ...includers(index, includer)]) reached.add(file);
    }
  }
  return reached;
}

/** What was found in an index, which takes some tenths of a second for a header that everything includes. */
const known = new WeakMap<IncludeIndex, Map<string, readonly string[]>>();

function includers(index: IncludeIndex, path: string): readonly string[] {
  const found = known.get(index) ?? new Map<string, readonly string[]>();
  known.set(index, found);
  let files = found.get(path);
  if (files === undefined) {
    files = includersOf(index, path, () => true, Number.POSITIVE_INFINITY) ?? [];
    found.set(path, files);
  }
  return files;
}
