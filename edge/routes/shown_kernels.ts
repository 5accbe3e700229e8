import type { BuildId } from "../../shared/brand.ts";
import { decodeBundle } from "../../shared/feed/bundle.ts";
import { decodeManifest } from "../../shared/feed/manifest.ts";
import { parseInstant } from "../../shared/time.ts";
import type { AppDeps } from "../deps.ts";
import { LruCache } from "../http/lru_cache.ts";
import type { MemoryBudget } from "../http/memory_budget.ts";
import { problem } from "../http/problem.ts";
import type { ShownKernel, ShownUpdate } from "../pages/kernel.tsx";
import { type Expiring, expiryNote } from "../publish/expiries.ts";
import { feedKey } from "../store/keys.ts";
import type { Stored } from "../store/store.ts";

/**
 * The largest feed.json that is decoded for a page: about 14,000 replaced functions, more than a stable
 * series changes in a year. Decoding it takes half a second and, for a moment, about 50 MB, once for each
 * state. Of a kernel with a larger one, a page shows the entry in the catalogue.
 */
export const MAX_SHOWN_BYTES = 4 * 1024 * 1024;
/**
 * The bound of decoded feeds in memory, counted in bytes of their files. It is enough for about 150 usual
 * ones.
 */
const MAX_CACHED_BYTES = 4 * MAX_SHOWN_BYTES;
const MAX_CACHED = 1024;
/** The number of updates that are shown of a kernel whose feed is not decoded. They are the newest. */
const MAX_LISTED = 500;

/** Kernels as pages show them. Each state of a feed is decoded once; a feed that is too large is not decoded. */
export class ShownKernels {
  readonly #deps: Pick<AppDeps, "store" | "catalogue">;
  readonly #budget: MemoryBudget;
  readonly #cache = new LruCache<ShownKernel>(MAX_CACHED_BYTES, MAX_CACHED);

  constructor(deps: Pick<AppDeps, "store" | "catalogue">, budget: MemoryBudget) {
    this.#deps = deps;
    this.#budget = budget;
  }

  /**
   * Returns a kernel. Returns undefined if its feed is too large and the catalogue lacks it.
   * @param feed the one in force.
   */
  async get(id: BuildId, feed: Stored): Promise<ShownKernel | undefined> {
    return (await this.whole(id, feed)) ?? (await this.#listed(id, feed));
  }

  /** Returns a kernel as its feed has it, or undefined if the feed is too large. */
  async whole(id: BuildId, feed: Stored): Promise<ShownKernel | undefined> {
    if (feed.length > MAX_SHOWN_BYTES) return undefined;
    const known = this.#cache.get(id, feed.sha256);
    return known ?? this.#budget.hold(feed.length, () => this.#read(id, feed));
  }

  /** Reads and decodes a feed. While this waited for memory or the store, another request may have done so. */
  async #read(id: BuildId, feed: Stored): Promise<ShownKernel | undefined> {
    const known = this.#cache.get(id, feed.sha256);
    if (known) return known;
    const file = await this.#deps.store.get(feedKey(id));
    if (!file) return undefined;
    if (file.length > MAX_SHOWN_BYTES) {
      await file.stream().cancel();
      return undefined;
    }
    const bytes = await file.bytes();
    return this.#cache.get(id, file.sha256) ?? this.#decoded(id, file, bytes);
  }

  #decoded(id: BuildId, file: Stored, bytes: Uint8Array): ShownKernel {
    const { kernel, updates } = decodeManifest(decodeBundle(bytes).manifest);
    const shown = { ...stateOf(file), kernel, updates: updates.map(shownOf), isWhole: true };
    this.#cache.put(id, file.sha256, shown, file.length);
    return shown;
  }

  async #listed(id: BuildId, feed: Stored): Promise<ShownKernel | undefined> {
    const entry = await this.#deps.catalogue.entry(id, MAX_LISTED);
    if (!entry) return undefined;
    const { kernel, version, updates } = entry;
    const shown = updates.map((update) => ({ ...update, detail: undefined }));
    return { ...stateOf(feed), kernel, version, updates: shown, isWhole: false };
  }
}

/** Reads the version and expiries from the notes beside a feed. */
function stateOf({ notes }: Stored) {
  const end = (role: Expiring) => parseInstant(notes[expiryNote(role)] ?? "");
  const expires = { timestamp: end("timestamp"), targets: end("targets") };
  return { version: Number(notes["targets"]), expires };
}

/** Returns an update as a page shows it. The page shows no fingerprints, which are for hosts. */
function shownOf(update: ReturnType<typeof decodeManifest>["updates"][number]): ShownUpdate {
  const { id, summary, cves, published, recalled, depends, conflicts, supersedes } = update;
  const objects = update.objects.map(({ name, functions }) => ({
    name,
    functions: functions.map((one) => one.name),
  }));
  return {
    id,
    summary,
    cves,
    published,
    recalled,
    detail: { depends, conflicts, supersedes, objects },
  };
}

export const tooLarge = (id: BuildId): Response =>
  problem(
    503,
    {
      code: "limit",
      message: `the feed of kernel ${id} is too large to be shown before the catalogue has recorded it`,
      hint: "A maintenance run, every four hours, records it there. Hosts are not affected.",
    },
    { "Retry-After": "3600" },
  );
