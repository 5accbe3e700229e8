import { noFeed } from "../../node/transport/feeds.ts";
import type { UpdateId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type UpgradeParts, upgradeKernel } from "./upgrade.ts";
import type { Offer, Wish } from "./upgrade_parts.ts";

export interface ApplyAgainParts extends Pick<UpgradeParts, "kernel" | "run"> {
  readonly offer: Omit<Offer, "feed">;
  readonly wish: Pick<Wish, "withheld">;
}

/**
 * Applies again the updates that were applied before the last boot, from the artifacts that are stored on this host.
 * Suspects are left out, and so are updates that have been recalled or held since, or that the policy withholds. Early in
 * a boot most modules are not loaded yet; the objects of those modules stay pending.
 */
export async function applyAgain({ kernel, offer, wish, run }: ApplyAgainParts): Promise<void> {
  const { applied, suspects } = (await run.journal.read()).ledger;
  if (applied.size === 0) return;
  for (const id of applied.keys()) {
    if (!offer.updates.some((update) => update.id === id))
      await run.report({ id, result: "failed", error: unknownError(id) });
  }
  await upgradeKernel({
    kernel,
    offer: { ...offer, feed: noFeed },
    wish: {
      ...wish,
      asked: new Set([...applied.keys()].filter((id) => !suspects.has(id))),
      replaceOthers: false,
      recall: "hold",
      partial: true,
      dryRun: false,
    },
    run,
  });
}

const unknownError = (id: UpdateId): RebootlessError =>
  new RebootlessError("trust", `${id} was applied before, but the manifest does not have it any more`, {
    hint: `An update that is not signed is not loaded. \`rebootless undo ${id}\` forgets it.`,
  });
