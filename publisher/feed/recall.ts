import type { BuildId, UpdateId } from "../../shared/brand.ts";
import { equalBytes } from "../../shared/bytes.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import { decodeManifest } from "../../shared/feed/manifest.ts";
import type { Update } from "../../shared/feed/update.ts";
import { encodeJson, isJsonObject, type JsonValue, parseJson } from "../../shared/json.ts";
import { MAX_MANIFEST_VALUES } from "../../shared/limits.ts";
import { inParallel } from "../../shared/parallel.ts";
import { type Clock, DAY, type Instant, instant } from "../../shared/time.ts";
import { type Current, currentBundle, verifiedState } from "./current.ts";
import type { EdgeClient } from "./edge_client.ts";
import { FeedRoots } from "./feed_roots.ts";
import type { KernelChange } from "./kernel_change.ts";
import { Patience } from "./patience.ts";
import { proposalOf, TARGETS_LIFETIME_MS } from "./proposal.ts";

/** The recall of an update, or the withdrawal of its recall, for all kernels of the feed. */
export interface Recall {
  readonly id: UpdateId;
  /** The reason of the recall; null withdraws a recall. */
  readonly reason: string | null;
}

/** A kernel that has the update in the feed. */
export interface KernelWithUpdate {
  readonly buildId: BuildId;
  readonly kernel: KernelFacts;
  readonly update: Pick<Update, "summary" | "recalled">;
  /** The size of its manifest. */
  readonly bytes: number;
}

/** A kernel for which it is unknown whether it has the update, because it could not be read. */
export interface UnreadKernel {
  readonly buildId: BuildId;
  readonly error: RebootlessError;
}

export interface RecallScan {
  readonly having: readonly KernelWithUpdate[];
  readonly unread: readonly UnreadKernel[];
}

/** The number of kernels read at the same time. */
const READS = 8;
/**
 * The remaining lifetime under which targets get the usual lifetime instead of keeping their expiry, so that
 * hosts that poll seldom learn of the recall too.
 */
const LASTS_MS = 7 * DAY;

/**
 * Finds the kernels that have an update. Each kernel's feed is read without a token and verified under the
 * publisher's own root; no other source decides what a kernel has.
 *
 * @param held the publisher's own newest root.
 * @param onRead the function that is called after each kernel.
 * @throws RebootlessError `unreachable`.
 */
export async function kernelsWith(
  id: UpdateId,
  kernels: readonly BuildId[],
  edge: EdgeClient,
  held: Uint8Array,
  onRead: () => void,
): Promise<RecallScan> {
  const roots = new FeedRoots(edge, held);
  const patience = new Patience();
  const having: KernelWithUpdate[] = [];
  const unread: UnreadKernel[] = [];
  await inParallel(kernels, READS, async (buildId) => {
    try {
      const bundle = await patience.ask(() => currentBundle(edge, buildId));
      if (!bundle) throw new RebootlessError("not_covered", `the feed has nothing for kernel ${buildId}`);
      const { manifest, files } = await verifiedState(bundle, buildId, roots);
      const update = manifest?.updates.find((one) => one.id === id);
      if (manifest && update) {
        const { summary, recalled } = update;
        const bytes = files?.manifest.length ?? 0;
        having.push({ buildId, kernel: manifest.kernel, update: { summary, recalled }, bytes });
      }
    } catch (error) {
      if (!(error instanceof RebootlessError) || error.code === "unreachable") throw error;
      unread.push({ buildId, error });
    }
    onRead();
  });
  return { having, unread };
}

/** Makes the change for each kernel that has the update. Nothing else in its manifest changes. */
export const recallChanges = (
  having: readonly KernelWithUpdate[],
  recall: Recall,
  clock: Clock,
): readonly KernelChange[] =>
  having.map(({ buildId, bytes }) => ({
    buildId,
    size: bytes,
    on: (current) => recalledIn(current, recall, clock()),
  }));

async function recalledIn(current: Current, recall: Recall, now: Instant) {
  const { files, expires = now } = current;
  if (!files) throw new RebootlessError("conflict", "the feed no longer has anything for this kernel");
  const manifest = withRecall(files.manifest, recall);
  const until = expires - now < LASTS_MS ? instant(now + TARGETS_LIFETIME_MS) : expires;
  const proposed = await proposalOf(current, decodeManifest(manifest), manifest, until);
  return { proposed, inForce: equalBytes(manifest, files.manifest) };
}

/**
 * Changes the recall of one update in a manifest. Members that this program does not know stay. Without the
 * update, or if it already has that recall, the manifest is returned unchanged to the last byte.
 */
export function withRecall(manifest: Uint8Array, { id, reason }: Recall): Uint8Array {
  const document = parseJson(manifest, "manifest", MAX_MANIFEST_VALUES);
  const updates = isJsonObject(document) ? document.get("updates") : undefined;
  if (!isJsonObject(document) || !Array.isArray(updates)) return manifest;
  const says = (update: JsonValue) => isJsonObject(update) && update.get("id") === id;
  const other = (update: JsonValue) => isJsonObject(update) && update.get("recalled") !== reason;
  const list = updates as readonly JsonValue[];
  if (!list.some((update) => says(update) && other(update))) return manifest;
  const changed = list.map((update) =>
    isJsonObject(update) && says(update) ? new Map([...update, ["recalled", reason]]) : update,
  );
  return encodeJson(new Map<string, JsonValue>([...document, ["updates", changed]]));
}
