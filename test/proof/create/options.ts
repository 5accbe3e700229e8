import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { groupBy } from "../../../shared/group_by.ts";

/** What the proof is told on its command line, with the files that say where everything is. */
export interface ProofOptions {
  /** A file for each pair of versions: for the step of files the first one is taken, for the kinds all of them. */
  readonly pairs: readonly string[];
  /** Files of the step that are taken, evenly spread over it; all unless told. */
  readonly limit: number | undefined;
  /** Not the step: small changes of ours, each of another kind. */
  readonly kinds: boolean;
  /** Not the step: the making of a build root. */
  readonly roots: boolean;
  /** Of these only those that have this in their names. */
  readonly only: string | undefined;
}

export function proofOptions(args: readonly string[]): ProofOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      from: { type: "string" },
      to: { type: "string" },
      series: { type: "string" },
      limit: { type: "string" },
      kinds: { type: "boolean", default: false },
      roots: { type: "boolean", default: false },
      only: { type: "string" },
    },
  });
  const limit = values.limit === undefined ? undefined : Number(values.limit);
  if (positionals.length === 0 || (limit !== undefined && !(Number.isInteger(limit) && limit > 0)))
    throw new Error("usage: npm run -s proof:create -- --help");
  return { pairs: positionals, limit, kinds: values.kinds, roots: values.roots, only: values.only };
}

/** So many of all, evenly spread: the same ones each time. */
export function spread<T>(all: readonly T[], limit: number | undefined): readonly T[] {
  if (limit === undefined || limit >= all.length) return all;
  return Array.from({ length: limit }, (_, index) => all[Math.floor((index * all.length) / limit)] as T);
}

/** One of each folder, then a second of each: the same order each time. */
export function inTurn<T extends { readonly path: string }>(files: readonly T[]): readonly T[] {
  const folders = [...groupBy(files, ({ path }) => dirname(path)).values()];
  const longest = Math.max(0, ...folders.map(({ length }) => length));
  return Array.from({ length: longest }, (_, turn) =>
    folders.flatMap((folder) => folder.slice(turn, turn + 1)),
  ).flat();
}
