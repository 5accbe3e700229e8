import type { BuildId, UpdateId } from "../../shared/brand.ts";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import type { Instant } from "../../shared/time.ts";
import { MAX_FOUND, MAX_NAMED, MAX_SEARCHED, PAGE } from "./catalogue.ts";
import {
  type CvePage,
  type Entry,
  type FoundUpdate,
  type Holding,
  type HoldingPage,
  isLive,
  lineOf,
  namesOf,
  type Said,
  type UpdateEntry,
} from "./entry.ts";
import { cvePlace, goneOf, type Place, placeText } from "./place.ts";
import type { Query } from "./query.ts";

/** Kernels of whose update the very same is said. */
interface Group {
  /** Rises: who said it first stands first. */
  readonly number: number;
  readonly said: Said;
  readonly holders: Map<BuildId, Instant>;
  /** Until there is another holder. */
  sorted: readonly BuildId[] | undefined;
}

/** Updates of all kernels in memory: one group for each thing that is said of one, in place of a copy for each kernel. */
export class Groups {
  readonly #entryOf: (id: BuildId) => Entry;
  /** In the order of their numbers. */
  readonly #groups = new Map<string, Group>();
  readonly #ofId = new Map<UpdateId, Set<Group>>();
  readonly #ofCve = new Map<string, Set<Group>>();
  /** The newest first, until there is another one. */
  #cves: readonly string[] | undefined;
  #count = 0;

  /** @param entryOf of a kernel that holds something. */
  constructor(entryOf: (id: BuildId) => Entry) {
    this.#entryOf = entryOf;
  }

  /** How many ids there are. */
  get ids(): number {
    return this.#ofId.size;
  }

  /** Puts a kernel's updates in the place of those it had. Returns them, sharing what others have too. */
  replace(
    kernel: BuildId,
    before: readonly UpdateEntry[],
    updates: readonly UpdateEntry[],
  ): readonly UpdateEntry[] {
    const old = before.flatMap((update) => this.#groups.get(wordsOf(update)) ?? []);
    for (const { holders } of old) holders.delete(kernel);
    const held = updates.map((update) => {
      const group = this.#groups.get(wordsOf(update)) ?? this.#add(update);
      group.holders.set(kernel, update.published);
      group.sorted = undefined;
      return { ...group.said, published: update.published };
    });
    for (const group of old) {
      group.sorted = undefined;
      if (group.holders.size === 0) this.#drop(group);
    }
    return held;
  }

  of(id: UpdateId): readonly Group[] {
    return [...(this.#ofId.get(id) ?? [])].sort(byPlace);
  }

  naming(cve: string): readonly Group[] {
    return [...(this.#ofCve.get(cve) ?? [])].sort(byPlace);
  }

  /** @param groups in order. */
  page(groups: readonly Group[], after: Place | null): HoldingPage {
    const holdings: Holding[] = [];
    let last: Place | undefined;
    for (const group of groups) {
      for (const id of this.#sorted(group)) {
        const entry = this.#entryOf(id);
        const place = placeIn(group, entry.kernel);
        if (after && comparePlaces(place, after) <= 0) continue;
        if (holdings.length === PAGE) return { holdings, next: last ? placeText(last) : null };
        holdings.push({ line: lineOf(entry), update: updateIn(group, id) });
        last = place;
      }
    }
    return { holdings, next: null };
  }

  search({ words, cve }: Query): readonly FoundUpdate[] {
    if (words.length === 0) return [];
    const groups = cve === undefined ? this.#withWords(words) : this.naming(cve);
    const first = new Map<UpdateId, Group>();
    for (const group of groups) if (!first.has(group.said.id)) first.set(group.said.id, group);
    return [...first.values()].slice(0, MAX_FOUND).flatMap((group) => this.#found(group));
  }

  cves(after: string | null): CvePage {
    this.#cves ??= [...this.#ofCve.keys()].sort((a, b) => compare(cvePlace(b), cvePlace(a)));
    const rest = after === null ? this.#cves : this.#cves.filter((cve) => cvePlace(cve) < cvePlace(after));
    const cves = rest.slice(0, PAGE).map((cve) => {
      const live = new Map<UpdateId, boolean>();
      for (const { said } of this.naming(cve))
        live.set(said.id, (live.get(said.id) ?? false) || isLive(said));
      const updates = [...live].slice(0, MAX_NAMED).map(([id, isThere]) => ({ id, recalled: !isThere }));
      return { cve, updates, more: live.size > MAX_NAMED };
    });
    return { cves, next: rest.length > PAGE ? (cves.at(-1)?.cve ?? null) : null };
  }

  /** One that is called so first, then the newest. */
  #withWords(words: readonly string[]): readonly Group[] {
    const named = this.of(words.join(" ") as UpdateId);
    const newest = [...this.#groups.values()].slice(-MAX_SEARCHED);
    const found = newest.filter(({ said }) => {
      const names = namesOf(said);
      return words.every((word) => names.includes(word));
    });
    const firsts = new Map<UpdateId, Group>();
    for (const group of found) if (!firsts.has(group.said.id)) firsts.set(group.said.id, group);
    return [...named, ...[...firsts.values()].reverse()];
  }

  #found(group: Group): FoundUpdate[] {
    const [id] = this.#sorted(group);
    if (id === undefined) return [];
    const others = group.holders.size > 1 || (this.#ofId.get(group.said.id)?.size ?? 0) > 1;
    return [{ update: updateIn(group, id), kernel: this.#entryOf(id).kernel, others }];
  }

  #sorted(group: Group): readonly BuildId[] {
    const place = (id: BuildId) => placeIn(group, this.#entryOf(id).kernel);
    group.sorted ??= [...group.holders.keys()].sort((a, b) => comparePlaces(place(a), place(b)));
    return group.sorted;
  }

  #add(update: UpdateEntry): Group {
    const { id, summary, cves, recalled } = update;
    const said = { id, summary, cves, recalled };
    const group: Group = { number: ++this.#count, said, holders: new Map(), sorted: undefined };
    this.#groups.set(wordsOf(said), group);
    addTo(this.#ofId, id, group);
    for (const cve of cves) addTo(this.#ofCve, cve, group);
    this.#cves = undefined;
    return group;
  }

  #drop(group: Group): void {
    const { id, cves } = group.said;
    this.#groups.delete(wordsOf(group.said));
    dropFrom(this.#ofId, id, group);
    for (const cve of cves) dropFrom(this.#ofCve, cve, group);
    this.#cves = undefined;
  }
}

const wordsOf = ({ id, summary, cves, recalled }: Said): string =>
  JSON.stringify([id, summary, cves, recalled]);

const updateIn = ({ said, holders }: Group, id: BuildId): UpdateEntry => {
  const published = holders.get(id);
  if (published === undefined) throw new Error(`kernel ${id} does not hold ${said.id}`);
  return { ...said, published };
};

const placeIn = ({ number, said }: Group, { release, buildId }: KernelFacts): Place => ({
  id: said.id,
  gone: goneOf(said),
  group: number,
  release,
  buildId,
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const comparePlaces = (a: Place, b: Place): number =>
  compare(a.id, b.id) ||
  a.gone - b.gone ||
  a.group - b.group ||
  compare(a.release, b.release) ||
  compare(a.buildId, b.buildId);

const byPlace = (a: Group, b: Group): number =>
  compare(a.said.id, b.said.id) || goneOf(a.said) - goneOf(b.said) || a.number - b.number;

function addTo<K>(sets: Map<K, Set<Group>>, key: K, group: Group): void {
  const set = sets.get(key) ?? new Set();
  sets.set(key, set.add(group));
}

function dropFrom<K>(sets: Map<K, Set<Group>>, key: K, group: Group): void {
  const set = sets.get(key);
  set?.delete(group);
  if (set?.size === 0) sets.delete(key);
}
