import type { FileChange } from "./apply_patch.ts";
import { type IncludeIndex, includersOf } from "./include_index.ts";
import { KPATCH_MACROS } from "./kpatch_macros.ts";
import type { SourceRefusal } from "./source_refusal.ts";
import type { UnitTable } from "./units.ts";

/**
 * The most objects that are compiled to see which of them a header's change reaches. On 8 processors they take half an
 * hour, and half a GB of memory. Headers such as linux/sched.h reach more.
 */
export const MAX_CANDIDATES = 4000;

export interface AffectedUnits {
  /** The objects to compile before and after: "fs/ext4/mballoc.o". */
  readonly objects: readonly string[];
  /** The files that this kernel is not compiled from. */
  readonly ignored: readonly string[];
  /** The files whose change an update cannot bring. */
  readonly refusals: readonly SourceRefusal[];
}

const NOT_COMPILED =
  /^(?:Documentation|tools|samples|LICENSES|debian|arch\/(?!x86\/)[^/]+)\/|^(?:MAINTAINERS|CREDITS|COPYING|README|\.\w[\w.-]*)$|\.(?:rst|txt|gitignore)$/;

/**
 * Returns the objects that a patch makes kbuild compile again.
 * @param sources files that include .c files.
 * @param includes is called only if a header changes.
 */
export async function affectedUnits(
  changes: readonly FileChange[],
  units: UnitTable,
  sources: IncludeIndex,
  includes: () => Promise<IncludeIndex>,
): Promise<AffectedUnits> {
  const objects = new Set<string>();
  const ignored: string[] = [];
  const refusals: SourceRefusal[] = [];
  for (const change of changes) {
    const { path } = change;
    if (path === KPATCH_MACROS) continue; // only the patch includes it
    const reason = whyUnfit(change, units);
    if (NOT_COMPILED.test(path) || isVersion(change)) ignored.push(path);
    else if (reason !== undefined) refusals.push({ code: "file", subject: path, ...reason });
    else if (/\.[ch]$/.test(path)) {
      const reached = unitsIncluding(path, units, path.endsWith(".c") ? sources : await includes());
      if (reached === undefined) refusals.push(farReaching(path));
      else if (reached.length === 0 && !units.has(objectOf(path))) ignored.push(path);
      for (const object of reached ?? []) objects.add(object);
      if (units.has(objectOf(path))) objects.add(objectOf(path));
    } else {
      const unclear = "it is not C source, so its effect cannot be determined";
      refusals.push({ code: "file", subject: path, reason: unclear, advice: SPLIT });
    }
  }
  return { objects: [...objects].sort(), ignored, refusals };
}

const SPLIT = "Leave it out of the patch if the fix works without it.";

/** Returns the object of a source file: "fs/ext4/mballoc.o" for "fs/ext4/mballoc.c". */
export const objectOf = (path: string): string => path.replace(/\.[cS]$/, ".o");

/** Returns the C source of an object: "fs/ext4/mballoc.c" for "fs/ext4/mballoc.o". */
export const sourceOf = (object: string): string => object.replace(/\.o$/, ".c");

function whyUnfit(
  { path, before, after }: FileChange,
  units: UnitTable,
): { readonly reason: string; readonly advice: string } | undefined {
  if (/(?:^|\/)Kconfig[^/]*$/.test(path))
    return { reason: "the configuration of a kernel that is built cannot be changed", advice: SPLIT };
  if (/(?:^|\/)(?:Makefile|Kbuild)[^/]*$/.test(path) || path.startsWith("scripts/"))
    return { reason: "how the kernel is built cannot be changed afterwards", advice: SPLIT };
  if (/\.S$/.test(path) && units.has(objectOf(path))) {
    return {
      reason: "assembly has no functions that the kernel can redirect",
      advice: "Fix the C code that calls it instead.",
    };
  }
  if (path.endsWith(".rs") || path.startsWith("rust/"))
    return {
      reason: "Rust code is not compiled here, and livepatch updates are made from C alone",
      advice: SPLIT,
    };
  if (/\.lds(?:\.[Sh])?$/.test(path)) return { reason: "the kernel has already been linked", advice: SPLIT };
  if (path.endsWith(".c") && units.has(objectOf(path)) && (before === undefined || after === undefined))
    return {
      reason: "the patch adds or removes a source file",
      advice: "Put new code into an existing file, and leave old files in place.",
    };
  return undefined;
}

/** Reports whether a change only changes the version in the top Makefile, as every stable release does. */
function isVersion({ path, before, after }: FileChange): boolean {
  const plain = (text = ""): string =>
    text.replace(/^(?:VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION|NAME) =.*$/gm, "");
  return path === "Makefile" && plain(before) === plain(after);
}

/** Returns the objects of the units that include a file, or undefined if there are more than MAX_CANDIDATES. */
function unitsIncluding(path: string, units: UnitTable, index: IncludeIndex): readonly string[] | undefined {
  const isUnit = (file: string): boolean => file.endsWith(".c") && units.has(objectOf(file));
  return includersOf(index, path, isUnit, MAX_CANDIDATES)?.map(objectOf);
}

const farReaching = (path: string): SourceRefusal => ({
  code: "reach",
  subject: path,
  reason: `more than ${MAX_CANDIDATES} compiled files include it, and each of them would have to be compared`,
  advice: "Put what the fix needs into the .c files that use it, under a new name.",
});
