import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { groupBy } from "../../../shared/group_by.ts";

/** What the proof is told on its command line, after the file that says where everything is. */
export interface ProofOptions {
  readonly pair: string;
  /** Files of the step that are taken, evenly spread over it; all unless told. */
  readonly limit: number | undefined;
  /** Not the step: changes of ours, whose effect is looked for in the guest. */
  readonly behaviour: boolean;
}

export function proofOptions(args: readonly string[]): ProofOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      from: { type: "string" },
      to: { type: "string" },
      limit: { type: "string" },
      behaviour: { type: "boolean", default: false },
    },
  });
  const limit = values.limit === undefined ? undefined : Number(values.limit);
  const [pair] = positionals;
  if (pair === undefined || (limit !== undefined && !(Number.isInteger(limit) && limit > 0)))
    throw new Error(
      "usage: npm run -s proof:create -- --from VERSION --to VERSION [--limit N | --behaviour]",
    );
  return { pair, limit, behaviour: values.behaviour };
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
