import type { BuildId, UpdateId } from "../../shared/brand.ts";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import type { Instant } from "../../shared/time.ts";
import { MAX_FOUND, MAX_NAMED, MAX_SEARCHED, PAGE } from "./catalogue.ts";
import { cveSortKey, goneOf, type HoldingPosition, positionCursor } from "./cursors.ts";
import {
  type CveListPage,
  type FoundUpdate,
  type Holding,
  type HoldingListPage,
  isLive,
  type KernelEntry,
  kernelLineOf,
  namesOf,
  type UpdateDescription,
  type UpdateEntry,
} from "./entry.ts";
import type { Query } from "./query.ts";

/** The kernels that have an update with the same description. */
interface Group {
  /** The number of the group. It rises with each new group, so earlier descriptions come first. */
  readonly number: number;
  readonly description: UpdateDescription;
  readonly holders: Map<BuildId, Instant>;
  /** The holders in order; undefined after a change of them. */
  sorted: readonly BuildId[] | undefined;
}

/** The updates of all kernels in memory: one group for each description, in place of a copy for each kernel. */
export class UpdateGroups {
  readonly #entryOf: (id: BuildId) => KernelEntry;
  /** The groups, in the order of their numbers. */
  readonly #groups = new Map<string, Group>();
  readonly #ofId = new Map<UpdateId, Set<Group>>();
  readonly #ofCve = new Map<string, Set<Group>>();
  /** All CVEs, newest first; undefined after a change of them. */
  #cves: readonly string[] | undefined;
  #count = 0;

  /** Makes an empty set of groups. @param entryOf returns the entry of a kernel that has updates. */
  constructor(entryOf: (id: BuildId) => KernelEntry) {
    this.#entryOf = entryOf;
  }

  /** The number of different ids. */
  get ids(): number {
    return this.#ofId.size;
  }

  /**
   * Replaces a kernel's updates.
   * @returns the updates, with texts shared with the other kernels of their groups.
   */
  replace(
    kernel: BuildId,
    before: readonly UpdateEntry[],
    updates: readonly UpdateEntry[],
  ): readonly UpdateEntry[] {
    const old = before.flatMap((update) => this.#groups.get(keyOf(update)) ?? []);
    for (const { holders } of old) holders.delete(kernel);
    const held = updates.map((update) => {
      const group = this.#groups.get(keyOf(update)) ?? this.#add(update);
      group.holders.set(kernel, update.published);
      group.sorted = undefined;
      return { ...group.description, published: update.published };
    });
    for (const group of old) {
      group.sorted = undefined;
      if (group.holders.size === 0) this.#drop(group);
    }
    return held;
  }

  of(id: UpdateId): readonly Group[] {
    return [...(this.#ofId.get(id) ?? [])].sort(byPosition);
  }

  naming(cve: string): readonly Group[] {
    return [...(this.#ofCve.get(cve) ?? [])].sort(byPosition);
  }

  /** Returns a page of holdings. @param groups the groups in order. */
  page(groups: readonly Group[], after: HoldingPosition | null): HoldingListPage {
    const holdings: Holding[] = [];
    let last: HoldingPosition | undefined;
    for (const group of groups) {
      for (const id of this.#sorted(group)) {
        const entry = this.#entryOf(id);
        const position = positionIn(group, entry.kernel);
        if (after && comparePositions(position, after) <= 0) continue;
        if (holdings.length === PAGE) return { holdings, next: last ? positionCursor(last) : null };
        holdings.push({ line: kernelLineOf(entry), update: updateIn(group, id) });
        last = position;
      }
    }
    return { holdings, next: null };
  }

  search({ words, cve }: Query): readonly FoundUpdate[] {
    if (words.length === 0) return [];
    const groups = cve === undefined ? this.#withWords(words) : this.naming(cve);
    const first = new Map<UpdateId, Group>();
    for (const group of groups) if (!first.has(group.description.id)) first.set(group.description.id, group);
    return [...first.values()].slice(0, MAX_FOUND).flatMap((group) => this.#found(group));
  }

  cves(after: string | null): CveListPage {
    this.#cves ??= [...this.#ofCve.keys()].sort((a, b) => compare(cveSortKey(b), cveSortKey(a)));
    const rest =
      after === null ? this.#cves : this.#cves.filter((cve) => cveSortKey(cve) < cveSortKey(after));
    const cves = rest.slice(0, PAGE).map((cve) => {
      const live = new Map<UpdateId, boolean>();
      for (const { description } of this.naming(cve))
        live.set(description.id, (live.get(description.id) ?? false) || isLive(description));
      const updates = [...live].slice(0, MAX_NAMED).map(([id, isThere]) => ({ id, recalled: !isThere }));
      return { cve, updates, more: live.size > MAX_NAMED };
    });
    return { cves, next: rest.length > PAGE ? (cves.at(-1)?.cve ?? null) : null };
  }

  /** Finds an update with exactly this id first, then the newest ones. */
  #withWords(words: readonly string[]): readonly Group[] {
    const named = this.of(words.join(" ") as UpdateId);
    const newest = [...this.#groups.values()].slice(-MAX_SEARCHED);
    const found = newest.filter(({ description }) => {
      const names = namesOf(description);
      return words.every((word) => names.includes(word));
    });
    const firsts = new Map<UpdateId, Group>();
    for (const group of found) if (!firsts.has(group.description.id)) firsts.set(group.description.id, group);
    return [...named, ...[...firsts.values()].reverse()];
  }

  #found(group: Group): FoundUpdate[] {
    const [id] = this.#sorted(group);
    if (id === undefined) return [];
    const others = group.holders.size > 1 || (this.#ofId.get(group.description.id)?.size ?? 0) > 1;
    return [{ update: updateIn(group, id), kernel: this.#entryOf(id).kernel, others }];
  }

  #sorted(group: Group): readonly BuildId[] {
    const position = (id: BuildId) => positionIn(group, this.#entryOf(id).kernel);
    group.sorted ??= [...group.holders.keys()].sort((a, b) => comparePositions(position(a), position(b)));
    return group.sorted;
  }

  #add(update: UpdateEntry): Group {
    const { id, summary, cves, recalled } = update;
    const description = { id, summary, cves, recalled };
    const group: Group = { number: ++this.#count, description, holders: new Map(), sorted: undefined };
    this.#groups.set(keyOf(description), group);
    addTo(this.#ofId, id, group);
    for (const cve of cves) addTo(this.#ofCve, cve, group);
    this.#cves = undefined;
    return group;
  }

  #drop(group: Group): void {
    const { id, cves } = group.description;
    this.#groups.delete(keyOf(group.description));
    dropFrom(this.#ofId, id, group);
    for (const cve of cves) dropFrom(this.#ofCve, cve, group);
    this.#cves = undefined;
  }
}

const keyOf = ({ id, summary, cves, recalled }: UpdateDescription): string =>
  JSON.stringify([id, summary, cves, recalled]);

const updateIn = ({ description, holders }: Group, id: BuildId): UpdateEntry => {
  const published = holders.get(id);
  if (published === undefined) throw new Error(`kernel ${id} does not hold ${description.id}`);
  return { ...description, published };
};

const positionIn = ({ number, description }: Group, { release, buildId }: KernelFacts): HoldingPosition => ({
  id: description.id,
  gone: goneOf(description),
  group: number,
  release,
  buildId,
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const comparePositions = (a: HoldingPosition, b: HoldingPosition): number =>
  compare(a.id, b.id) ||
  a.gone - b.gone ||
  a.group - b.group ||
  compare(a.release, b.release) ||
  compare(a.buildId, b.buildId);

const byPosition = (a: Group, b: Group): number =>
  compare(a.description.id, b.description.id) ||
  goneOf(a.description) - goneOf(b.description) ||
  a.number - b.number;

function addTo<K>(sets: Map<K, Set<Group>>, key: K, group: Group): void {
  const set = sets.get(key) ?? new Set();
  sets.set(key, set.add(group));
}

function dropFrom<K>(sets: Map<K, Set<Group>>, key: K, group: Group): void {
  const set = sets.get(key);
  set?.delete(group);
  if (set?.size === 0) sets.delete(key);
}
