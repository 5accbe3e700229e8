import type { BuildId, UpdateId } from "../../shared/brand.ts";
import { toHex } from "../../shared/bytes.ts";
import { LISTING_PAGE, type Listing } from "../../shared/feed/listing.ts";
import { type Catalogue, cursorText, MAX_CHANGES, PAGE, placeOf, type Totals } from "./catalogue.ts";
import { type Change, changeOf } from "./change.ts";
import { type Entry, type KernelLine, type KernelPage, listedOf, type UpdateEntry } from "./entry.ts";
import { matches, type Query } from "./query.ts";

/** A catalogue in memory: for a server of one process, which makes it from its files when it starts. */
export class MemoryCatalogue implements Catalogue {
  readonly #kernels = new Map<BuildId, Entry>();
  readonly #updates = new Map<UpdateId, UpdateEntry>();
  /** Oldest first. */
  readonly #changes: Change[] = [];
  #count = 0;
  #sorted: readonly Entry[] | undefined;
  readonly #name = toHex(crypto.getRandomValues(new Uint8Array(8)));
  /** The kernels by the number of their last change, rising: what changes again goes to the end. */
  readonly #lastChanges = new Map<BuildId, number>();

  async record(entries: readonly Entry[]): Promise<void> {
    for (const entry of entries) this.#record(entry);
  }

  #record(entry: Entry): void {
    const { buildId } = entry.kernel;
    const before = this.#kernels.get(buildId);
    if (before && before.version >= entry.version) return;
    this.#kernels.set(buildId, entry);
    for (const update of entry.updates) this.#updates.set(update.id, update);
    this.#changes.push(changeOf(++this.#count, entry, before));
    if (this.#changes.length > MAX_CHANGES) this.#changes.shift();
    this.#sorted = undefined;
    this.#lastChanges.delete(buildId);
    this.#lastChanges.set(buildId, this.#count);
  }

  async versions(ids: readonly BuildId[]): Promise<readonly number[]> {
    return ids.map((id) => this.#kernels.get(id)?.version ?? 0);
  }

  async kernels(query: Query, after: BuildId | null): Promise<KernelPage> {
    return this.#page((entry) => matches(query, entry.kernel), after);
  }

  async update(id: UpdateId): Promise<UpdateEntry | undefined> {
    return this.#updates.get(id);
  }

  async updatesFor(cve: string): Promise<readonly UpdateEntry[]> {
    return [...this.#updates.values()].filter(({ cves }) => cves.includes(cve)).sort(byId);
  }

  async kernelsWith(update: UpdateId, after: BuildId | null): Promise<KernelPage> {
    return this.#page(({ updates }) => updates.some(({ id }) => id === update), after);
  }

  async changes(): Promise<readonly Change[]> {
    return this.#changes.toReversed();
  }

  async changedSince(cursor: string | null): Promise<Listing> {
    const from = placeOf(cursor, this.#name);
    const later = [...this.#lastChanges].filter(([, number]) => number > from);
    const page = later.slice(0, LISTING_PAGE);
    const kernels = page.flatMap(([id]) => {
      const entry = this.#kernels.get(id);
      return entry ? [listedOf(entry)] : [];
    });
    const [, last = from] = page.at(-1) ?? [];
    return { kernels, next: cursorText(this.#name, last), more: later.length > page.length };
  }

  async totals(): Promise<Totals> {
    return { kernels: this.#kernels.size, updates: this.#updates.size, lastChange: this.#changes.at(-1) };
  }

  #page(wanted: (entry: Entry) => boolean, after: BuildId | null): KernelPage {
    this.#sorted ??= [...this.#kernels.values()].sort(byRelease);
    const last = after === null ? undefined : this.#kernels.get(after);
    const rest = last ? this.#sorted.slice(this.#sorted.indexOf(last) + 1) : this.#sorted;
    const found: Entry[] = [];
    for (const entry of rest) {
      if (found.length > PAGE) break;
      if (wanted(entry)) found.push(entry);
    }
    const kernels = found.slice(0, PAGE).map(lineOf);
    return { kernels, next: found.length > PAGE ? (kernels.at(-1)?.kernel.buildId ?? null) : null };
  }
}

const lineOf = ({ kernel, updates, recorded }: Entry): KernelLine => ({
  kernel,
  updates: updates.filter(({ recalled }) => recalled === null).length,
  recorded,
});

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const byId = (a: UpdateEntry, b: UpdateEntry): number => compare(a.id, b.id);
const byRelease = ({ kernel: a }: Entry, { kernel: b }: Entry): number =>
  compare(a.release, b.release) || compare(a.buildId, b.buildId);
