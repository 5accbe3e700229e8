import type { UpdateId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { noFeed } from "../trust/feeds.ts";
import { type UpgradeOptions, upgrade } from "./upgrade.ts";

export type BootOptions = Omit<
  UpgradeOptions,
  "feed" | "asked" | "replaceOthers" | "recall" | "partial" | "dryRun"
>;

/**
 * Applies again what was applied before this kernel was started anew, from what is cached. Suspects stay out, and so does
 * what was recalled since, held, or left out of a pin. Early in a boot most modules are not loaded yet: what changes them
 * is left pending.
 */
export async function applyAgain(options: BootOptions): Promise<void> {
  const { updates, journal, report } = options;
  const { standing, suspects } = (await journal.read()).ledger;
  if (standing.size === 0) return;
  for (const id of standing.keys()) {
    if (!updates.some((update) => update.id === id))
      await report({ id, result: "failed", error: unknown(id) });
  }
  await upgrade({
    ...options,
    feed: noFeed,
    asked: new Set([...standing.keys()].filter((id) => !suspects.has(id))),
    replaceOthers: false,
    recall: "hold",
    partial: true,
    dryRun: false,
  });
}

const unknown = (id: UpdateId): RebootlessError =>
  new RebootlessError("trust", `${id} was applied before, and the manifest has it no more`, {
    hint: `What is not signed for is not loaded. \`rebootless undo ${id}\` forgets it.`,
  });
