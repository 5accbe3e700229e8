import { RebootlessError } from "../../../shared/errors.ts";
import type { FileChange } from "./apply_patch.ts";
import { type IncludeIndex, includersOf } from "./include_index.ts";
import type { UnitTable } from "./units.ts";

/**
 * The most objects that are compiled to see which of them a header's change reaches. At a second each, this
 * takes minutes.
 */
export const MAX_CANDIDATES = 256;

/** A file whose change an update cannot bring. */
export interface UnfitFile {
  readonly path: string;
  readonly reason: string;
  readonly advice: string;
}

export interface AffectedUnits {
  /** The objects to compile before and after: "fs/ext4/mballoc.o". */
  readonly objects: readonly string[];
  /** The files that this kernel is not compiled from. */
  readonly ignored: readonly string[];
  readonly unfit: readonly UnfitFile[];
}

const NOT_COMPILED =
  /^(?:Documentation|tools|samples|LICENSES|debian|arch\/(?!x86\/)[^/]+)\/|^(?:MAINTAINERS|CREDITS|COPYING|README|\.\w[\w.-]*)$|\.(?:rst|txt|gitignore)$/;

/**
 * Returns the objects that a patch makes kbuild compile again.
 * @param sources files that include .c files.
 * @param includes is called only if a header changes.
 * @throws RebootlessError `limit` if a header reaches more than MAX_CANDIDATES objects.
 */
export async function affectedUnits(
  changes: readonly FileChange[],
  units: UnitTable,
  sources: IncludeIndex,
  includes: () => Promise<IncludeIndex>,
): Promise<AffectedUnits> {
  const objects = new Set<string>();
  const ignored: string[] = [];
  const unfit: UnfitFile[] = [];
  for (const change of changes) {
    const { path } = change;
    const reason = whyUnfit(change, units);
    if (NOT_COMPILED.test(path) || isVersion(change)) ignored.push(path);
    else if (reason !== undefined) unfit.push({ path, ...reason });
    else if (/\.[ch]$/.test(path)) {
      const reached = unitsIncluding(path, units, path.endsWith(".c") ? sources : await includes());
      if (units.has(objectOf(path))) reached.push(objectOf(path));
      for (const object of reached) objects.add(object);
      if (reached.length === 0) ignored.push(path);
    } else
      unfit.push({ path, reason: "it is not C source, so its effect cannot be determined", advice: SPLIT });
  }
  return { objects: [...objects].sort(), ignored, unfit };
}

const SPLIT = "Leave it out of the patch if the fix works without it.";

/** Returns the object of a source file: "fs/ext4/mballoc.o" for "fs/ext4/mballoc.c". */
export const objectOf = (path: string): string => path.replace(/\.[cS]$/, ".o");

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

function unitsIncluding(path: string, units: UnitTable, index: IncludeIndex): string[] {
  const isUnit = (file: string): boolean => file.endsWith(".c") && units.has(objectOf(file));
  const found = includersOf(index, path, isUnit, MAX_CANDIDATES);
  if (found !== undefined) return found.map(objectOf);
  throw new RebootlessError("limit", `${path} reaches more than ${MAX_CANDIDATES} compiled files`, {
    hint: "Move what the fix needs into the .c files that use it: docs/patch-authors.md shows how.",
    details: { path },
  });
}
