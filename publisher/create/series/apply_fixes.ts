import { lstat, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { groupBy } from "../../../shared/group_by.ts";
import {
  changeOf,
  copyIn,
  type FileChange,
  firstOf,
  runPatch,
  stripOf,
  stripped,
} from "../source/apply_patch.ts";
import type { FixNumber } from "./faults.ts";
import type { Fix } from "./fix.ts";

/** Why a fix does not apply to what the fixes before it made of the source. */
export interface NotApplied {
  /** True if all that it does is there already. */
  readonly isIn: boolean;
  readonly output: readonly string[];
}

/** What some fixes of a series make of a source, one after the other. */
export interface AppliedFixes {
  readonly changes: readonly FileChange[];
  /** Those that do not apply. They are left out, and the later ones are applied without them. */
  readonly failed: ReadonlyMap<FixNumber, NotApplied>;
  readonly notes: readonly string[];
}

/**
 * Applies any of the fixes of a series to a source, which is only read. Fixes that touch the same files make a cluster,
 * which is applied again only if other ones of its fixes are asked for.
 */
export class SeriesApplier {
  readonly #fixes: readonly Fix[];
  readonly #tree: string;
  readonly #fuzzy: boolean;
  /** The paths of each fix in the tree, and how much of them its patch has in front. */
  #places: readonly (Places | undefined)[] | undefined;
  #clusters: readonly (readonly FixNumber[])[] = [];
  readonly #known = new Map<string, AppliedFixes>();

  constructor(fixes: readonly Fix[], tree: string, fuzzy: boolean) {
    this.#fixes = fixes;
    this.#tree = tree;
    this.#fuzzy = fuzzy;
  }

  /** Returns the paths that a fix changes; none if the source has none of its files. */
  pathsOf(fix: FixNumber): readonly string[] {
    return this.#places?.[fix]?.paths ?? [];
  }

  /** Finds where the fixes' files are. It is called once, before everything else. */
  async open(): Promise<void> {
    const added = new Set<string>();
    const places: (Places | undefined)[] = [];
    for (const fix of this.#fixes) {
      const files = firstOf(fix.steps);
      const strip = (await stripOf([this.#tree], files)) ?? stripAmong(added, files);
      const paths = files.map(({ path }) => stripped(path, strip ?? 0));
      const isPlaced = strip !== undefined && (await arePlain(this.#tree, paths));
      places.push(isPlaced ? { strip, paths } : undefined);
      if (!isPlaced) continue;
      for (const { path, kind } of files) if (kind === "added") added.add(stripped(path, strip));
    }
    this.#places = places;
    this.#clusters = clustersOf(places.map((each) => each?.paths ?? []));
  }

  /** @throws ParseError. @throws RebootlessError `usage`, `limit`, `unsupported`. */
  async apply(fixes: readonly FixNumber[]): Promise<AppliedFixes> {
    const wanted = new Set(fixes);
    const parts: AppliedFixes[] = [];
    for (const [number, cluster] of this.#clusters.entries()) {
      const some = cluster.filter((fix) => wanted.has(fix));
      if (some.length === 0) continue;
      const key = `${number}:${some.join()}`;
      const part = this.#known.get(key) ?? (await this.#applyCluster(some));
      this.#known.set(key, part);
      parts.push(part);
    }
    return {
      changes: parts.flatMap(({ changes }) => changes),
      failed: new Map(parts.flatMap(({ failed }) => [...failed])),
      notes: parts.flatMap(({ notes }) => notes),
    };
  }

  async #applyCluster(fixes: readonly FixNumber[]): Promise<AppliedFixes> {
    const work = await mkdtemp(join(tmpdir(), "rebootless-series-"));
    const [before, after] = [join(work, "before"), join(work, "after")];
    try {
      const paths = new Set(fixes.flatMap((fix) => this.pathsOf(fix)));
      for (const path of paths) for (const copy of [before, after]) await copyIn(this.#tree, copy, path);
      const failed = new Map<FixNumber, NotApplied>();
      const notes: string[] = [];
      for (const fix of fixes) {
        const texts = await textsOf(after, this.pathsOf(fix));
        const outcome = await this.#applyOne(after, fix, false);
        if (outcome.kind === "applied") {
          notes.push(...outcome.notes.map((note) => `${this.#fixes[fix]?.id}: ${note}`));
          continue;
        }
        await restoreTexts(after, texts);
        const reversed = await this.#applyOne(after, fix, true);
        await restoreTexts(after, texts);
        failed.set(fix, { isIn: reversed.kind === "applied", output: outcome.output });
      }
      const changes: FileChange[] = [];
      for (const path of paths) changes.push(await changeOf(before, after, path));
      return { changes: changes.filter((change) => change.before !== change.after), failed, notes };
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }

  async #applyOne(folder: string, fix: FixNumber, reverse: boolean) {
    const steps = this.#fixes[fix]?.steps ?? [];
    const strip = this.#places?.[fix]?.strip;
    if (strip === undefined) throw new RangeError(`fix ${fix} has no place in the tree`);
    const notes: string[] = [];
    for (const step of reverse ? [...steps].reverse() : steps) {
      const run = await runPatch(folder, step, strip, this.#fuzzy, reverse);
      if (run.kind === "failed") return run;
      notes.push(...run.notes);
    }
    return { kind: "applied", notes } as const;
  }
}

/** Reports whether a tree has only plain files at some paths, or nothing. */
async function arePlain(tree: string, paths: readonly string[]): Promise<boolean> {
  for (const path of paths) {
    const found = await lstat(join(tree, path)).catch(() => undefined);
    if (found !== undefined && !found.isFile()) return false;
  }
  return paths.length > 0;
}

interface Places {
  readonly strip: number;
  readonly paths: readonly string[];
}

/** Returns how much of the paths to leave out for a patch of files that earlier fixes add. */
const stripAmong = (
  added: ReadonlySet<string>,
  files: readonly { readonly path: string }[],
): number | undefined => [1, 0].find((parts) => files.some(({ path }) => added.has(stripped(path, parts))));

/** Groups the numbers of lists that share an entry, directly or through others, in their order. */
export function clustersOf(lists: readonly (readonly string[])[]): readonly (readonly number[])[] {
  const joined = lists.map((_, index) => index);
  const rootOf = (index: number): number => {
    let at = index;
    while (joined[at] !== at) at = joined[at] ?? at;
    return at;
  };
  const first = new Map<string, number>();
  for (const [index, list] of lists.entries()) {
    for (const entry of list) {
      const other = first.get(entry);
      if (other === undefined) first.set(entry, index);
      else joined[rootOf(index)] = rootOf(other);
    }
  }
  const used = lists.flatMap((list, index) => (list.length === 0 ? [] : index));
  return [...groupBy(used, rootOf).values()];
}

async function textsOf(
  folder: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, string | undefined>> {
  const texts = new Map<string, string | undefined>();
  for (const path of paths)
    texts.set(path, await readFile(join(folder, path), "latin1").catch(() => undefined));
  return texts;
}

async function restoreTexts(folder: string, texts: ReadonlyMap<string, string | undefined>): Promise<void> {
  for (const [path, text] of texts) {
    if (text === undefined) await rm(join(folder, path), { force: true });
    else {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text, "latin1");
    }
  }
}
