import type { BuildId, UpdateId } from "../../shared/brand.ts";
import { toHex } from "../../shared/bytes.ts";
import { LISTING_PAGE, type Listing } from "../../shared/feed/listing.ts";
import { type Catalogue, MAX_CHANGES, PAGE, type Totals } from "./catalogue.ts";
import { type CatalogueChange, changeBetween } from "./change.ts";
import type { HoldingPosition } from "./cursors.ts";
import { changeNumberOf, changesCursor } from "./cursors.ts";
import {
  type CveListPage,
  type FoundUpdate,
  type HoldingListPage,
  type KernelEntry,
  type KernelListPage,
  kernelLineOf,
  listedOf,
  type UpdateEntry,
} from "./entry.ts";
import { matches, type Query } from "./query.ts";
import { UpdateGroups } from "./update_groups.ts";

/** A catalogue in memory, for a server of one process, which fills it from its files when it starts. */
export class MemoryCatalogue implements Catalogue {
  readonly #kernels = new Map<BuildId, KernelEntry>();
  readonly #groups = new UpdateGroups((id) => this.#entry(id));
  /** The changes, oldest first. */
  readonly #changes: CatalogueChange[] = [];
  #count = 0;
  #sorted: readonly KernelEntry[] | undefined;
  readonly #name = toHex(crypto.getRandomValues(new Uint8Array(8)));
  /** The kernels by the number of their last change, in rising order: a kernel that changes again goes to the end. */
  readonly #lastChanges = new Map<BuildId, number>();

  async record(entries: readonly KernelEntry[]): Promise<void> {
    for (const entry of entries) this.#record(entry);
  }

  #record(entry: KernelEntry): void {
    const { buildId } = entry.kernel;
    const before = this.#kernels.get(buildId);
    if (before && before.version >= entry.version) return;
    this.#kernels.set(buildId, {
      ...entry,
      updates: this.#groups.replace(buildId, before?.updates ?? [], entry.updates),
    });
    this.#changes.push(changeBetween(++this.#count, entry, before));
    if (this.#changes.length > MAX_CHANGES) this.#changes.shift();
    this.#sorted = undefined;
    this.#lastChanges.delete(buildId);
    this.#lastChanges.set(buildId, this.#count);
  }

  async versions(ids: readonly BuildId[]): Promise<readonly number[]> {
    return ids.map((id) => this.#kernels.get(id)?.version ?? 0);
  }

  async entry(id: BuildId, max: number): Promise<KernelEntry | undefined> {
    const entry = this.#kernels.get(id);
    return entry && { ...entry, updates: [...entry.updates].sort(newestFirst).slice(0, max) };
  }

  async kernels(query: Query, after: BuildId | null): Promise<KernelListPage> {
    this.#sorted ??= [...this.#kernels.values()].sort(byRelease);
    const last = after === null ? undefined : this.#kernels.get(after);
    const rest = last ? this.#sorted.slice(this.#sorted.indexOf(last) + 1) : this.#sorted;
    const found: KernelEntry[] = [];
    for (const entry of rest) {
      if (found.length > PAGE) break;
      if (matches(query, entry.kernel)) found.push(entry);
    }
    const kernels = found.slice(0, PAGE).map(kernelLineOf);
    return { kernels, next: found.length > PAGE ? (kernels.at(-1)?.kernel.buildId ?? null) : null };
  }

  async updates(query: Query): Promise<readonly FoundUpdate[]> {
    return this.#groups.search(query);
  }

  async holdersOf(id: UpdateId, after: HoldingPosition | null): Promise<HoldingListPage> {
    return this.#groups.page(this.#groups.of(id), after);
  }

  async fixesOf(cve: string, after: HoldingPosition | null): Promise<HoldingListPage> {
    return this.#groups.page(this.#groups.naming(cve), after);
  }

  async cves(after: string | null): Promise<CveListPage> {
    return this.#groups.cves(after);
  }

  async changes(): Promise<readonly CatalogueChange[]> {
    return this.#changes.toReversed();
  }

  async changedSince(cursor: string | null): Promise<Listing> {
    const from = changeNumberOf(cursor, this.#name);
    const later = [...this.#lastChanges].filter(([, number]) => number > from);
    const page = later.slice(0, LISTING_PAGE);
    const kernels = page.flatMap(([id]) => {
      const entry = this.#kernels.get(id);
      return entry ? [listedOf(entry)] : [];
    });
    const [, last = from] = page.at(-1) ?? [];
    return { kernels, next: changesCursor(this.#name, last), more: later.length > page.length };
  }

  async totals(): Promise<Totals> {
    return { kernels: this.#kernels.size, updates: this.#groups.ids, lastChange: this.#changes.at(-1) };
  }

  #entry(id: BuildId): KernelEntry {
    const entry = this.#kernels.get(id);
    if (!entry) throw new Error(`kernel ${id} has updates and is not there`);
    return entry;
  }
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const newestFirst = (a: UpdateEntry, b: UpdateEntry): number =>
  b.published - a.published || compare(a.id, b.id);
const byRelease = ({ kernel: a }: KernelEntry, { kernel: b }: KernelEntry): number =>
  compare(a.release, b.release) || compare(a.buildId, b.buildId);
