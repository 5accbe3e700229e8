import type { BuildId } from "../../shared/brand.ts";
import { decodeBundle } from "../../shared/feed/bundle.ts";
import { decodeManifest } from "../../shared/feed/manifest.ts";
import { parseInstant } from "../../shared/time.ts";
import type { AppDeps } from "../deps.ts";
import { Kept } from "../http/kept.ts";
import { problem } from "../http/problem.ts";
import type { Room } from "../http/room.ts";
import type { ShownKernel, ShownUpdate } from "../pages/kernel.tsx";
import { type Expiring, expiryNote } from "../publish/expiries.ts";
import { feedKey } from "../store/keys.ts";
import type { Stored } from "../store/store.ts";

/**
 * Of a feed.json that is decoded for a page: some 14,000 replaced functions, more than a stable series changes in a year. Decoding
 * it takes half a second and some 50 MB for a moment, once for each state. What is larger is shown by what the catalogue has of it.
 */
export const MAX_SHOWN_BYTES = 4 * 1024 * 1024;
/** Of what is kept decoded, counted as the feeds that it was made of: some 150 usual ones. */
const MAX_KEPT_BYTES = 4 * MAX_SHOWN_BYTES;
const MAX_KEPT = 1024;
/** Updates shown of a kernel whose feed is not decoded, the newest. */
const MAX_LISTED = 500;

/** A kernel for those who look at it: each state of its feed is decoded once, and nothing that is too large for it. */
export class ShownKernels {
  readonly #deps: Pick<AppDeps, "store" | "catalogue">;
  readonly #room: Room;
  readonly #kept = new Kept<ShownKernel>(MAX_KEPT_BYTES, MAX_KEPT);

  constructor(deps: Pick<AppDeps, "store" | "catalogue">, room: Room) {
    this.#deps = deps;
    this.#room = room;
  }

  /** @param feed as it is in force. Undefined for one that is too large, where the catalogue does not have the kernel. */
  async get(id: BuildId, feed: Stored): Promise<ShownKernel | undefined> {
    return (await this.whole(id, feed)) ?? (await this.#listed(id, feed));
  }

  /** Out of the feed itself; undefined for one that is too large. */
  async whole(id: BuildId, feed: Stored): Promise<ShownKernel | undefined> {
    if (feed.length > MAX_SHOWN_BYTES) return undefined;
    const known = this.#kept.get(id, feed.sha256);
    return known ?? this.#room.hold(feed.length, () => this.#read(id, feed));
  }

  /** Whoever waited for room, or for the store, may find that somebody else was faster. */
  async #read(id: BuildId, feed: Stored): Promise<ShownKernel | undefined> {
    const known = this.#kept.get(id, feed.sha256);
    if (known) return known;
    const file = await this.#deps.store.get(feedKey(id));
    if (!file) return undefined;
    if (file.length > MAX_SHOWN_BYTES) {
      await file.stream().cancel();
      return undefined;
    }
    const bytes = await file.bytes();
    return this.#kept.get(id, file.sha256) ?? this.#decoded(id, file, bytes);
  }

  #decoded(id: BuildId, file: Stored, bytes: Uint8Array): ShownKernel {
    const { kernel, updates } = decodeManifest(decodeBundle(bytes).manifest);
    const shown = { ...stateOf(file), kernel, updates: updates.map(shownOf), isWhole: true };
    this.#kept.put(id, file.sha256, shown, file.length);
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

/** As it stands beside the feed. */
function stateOf({ notes }: Stored) {
  const end = (role: Expiring) => parseInstant(notes[expiryNote(role)] ?? "");
  const expires = { timestamp: end("timestamp"), targets: end("targets") };
  return { version: Number(notes["targets"]), expires };
}

/** What people look at: a fingerprint is for hosts. */
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
      message: `the feed of kernel ${id} is too large to be shown before the catalogue has it`,
      hint: "A round, every four hours, sees to that; hosts are served as ever.",
    },
    { "Retry-After": "3600" },
  );
