import { groupBy } from "../../../../../shared/group_by.ts";

/** The fix of one CVE: its own files of a step, with what they need. */
export interface CorpusFix {
  readonly cve: string;
  readonly subject: string;
  /** The file by which it was found, which this kernel is compiled from. */
  readonly path: string;
  readonly files: readonly string[];
  /** All of them as one unified diff. */
  readonly patch: string;
}

const topOf = ({ path }: CorpusFix): string => path.split("/", 1)[0] ?? "";

/** Returns the fixes in an order that takes one of each top folder, then a second of each: the same one each time. */
export function inTurnOfFolders(fixes: readonly CorpusFix[]): readonly CorpusFix[] {
  const sorted = fixes.toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const folders = [...groupBy(sorted, topOf).values()];
  const longest = Math.max(0, ...folders.map(({ length }) => length));
  return Array.from({ length: longest }, (_, turn) =>
    folders.flatMap((folder) => spreadOver(folder).slice(turn, turn + 1)),
  ).flat();
}

/** Takes one of each of a folder's own folders in turn, so that the first ones do not all come from the same one. */
function spreadOver(folder: readonly CorpusFix[]): readonly CorpusFix[] {
  const below = [...groupBy(folder, ({ path }) => path.split("/", 2).join("/")).values()];
  const longest = Math.max(0, ...below.map(({ length }) => length));
  return Array.from({ length: longest }, (_, turn) =>
    below.flatMap((some) => some.slice(turn, turn + 1)),
  ).flat();
}

/** Counts fixes by their top folders. */
export const byFolder = (fixes: readonly CorpusFix[]): Readonly<Record<string, number>> =>
  Object.fromEntries([...groupBy(fixes, topOf)].map(([name, some]) => [name, some.length]));
