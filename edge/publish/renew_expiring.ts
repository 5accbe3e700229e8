import type { BuildId } from "../../shared/brand.ts";
import { decodeManifest } from "../../shared/feed/manifest.ts";
import { type Clock, instant } from "../../shared/time.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { entryOf, type KernelEntry } from "../catalogue/entry.ts";
import { FEEDS, kernelOfFeedKey } from "../store/keys.ts";
import type { Store, StoreListing } from "../store/store.ts";
import { EXPIRING, type NearestExpiries, NOTHING_EXPIRES, sooner } from "./expiries.ts";
import type { PublisherQueue } from "./queue.ts";
import { newestRootVersion } from "./roots.ts";
import { isDue, readFeed } from "./stored_feed.ts";

export interface RenewalDeps {
  readonly store: Store;
  readonly queue: PublisherQueue;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
}

export interface RenewalTotals {
  readonly kernels: number;
  readonly renewed: number;
  readonly recorded: number;
  readonly failed: number;
  /** The first expiries, after what this run signed. */
  readonly nearest: NearestExpiries;
}

/**
 * The largest number of steps of one run. Runs a few hours apart do all that falls due for 20,000 kernels in
 * half of a lifetime, twice over.
 */
const MAX_STEPS = 400;
const AT_ONCE = 8;

/**
 * Goes over all feeds. Signs again those that are due, including those that were not read for a week, so that
 * a mirror does not find them expired; and records in the catalogue the feeds that it missed. A failure of
 * one kernel does not stop the others.
 */
export async function renewExpiring(deps: RenewalDeps): Promise<RenewalTotals> {
  const rootVersion = await newestRootVersion(deps.store, 1);
  const totals = { kernels: 0, renewed: 0, recorded: 0, failed: 0 };
  let nearest = NOTHING_EXPIRES;
  let steps = 0;
  for (let page = await deps.store.list(FEEDS); ; page = await deps.store.list(FEEDS, page.next)) {
    totals.kernels += page.files.length;
    const renewed = new Set<BuildId>();
    const due = (await dueOf(page, deps, rootVersion)).slice(0, MAX_STEPS - steps);
    steps += due.length;
    for (let at = 0; at < due.length; at += AT_ONCE) {
      await Promise.all(due.slice(at, at + AT_ONCE).map((step) => attempt(step, deps, totals, renewed)));
    }
    for (const { key, notes } of page.files) {
      const id = kernelOfFeedKey(key);
      nearest = sooner(nearest, id, notes, renewed.has(id) ? ["targets"] : EXPIRING);
    }
    if (page.next === undefined) return { ...totals, nearest };
  }
}

/**
 * Records all feeds, oldest first, in the catalogue that a process fills each time it starts.
 * @returns the number of feeds.
 */
export async function recordAll(deps: Pick<RenewalDeps, "store" | "catalogue" | "clock">): Promise<number> {
  const entries: KernelEntry[] = [];
  for (let page = await deps.store.list(FEEDS); ; page = await deps.store.list(FEEDS, page.next)) {
    for (const { key } of page.files) {
      const entry = await storedEntry(deps, kernelOfFeedKey(key));
      if (entry) entries.push(entry);
    }
    if (page.next === undefined) break;
  }
  await deps.catalogue.record(entries.sort((a, b) => a.recorded - b.recorded));
  return entries.length;
}

interface Step {
  readonly kernel: BuildId;
  readonly kind: "renewed" | "recorded";
  /** Runs the step. Resolves to false if nothing had to be done after all. */
  readonly run: () => Promise<boolean>;
}

async function dueOf(
  { files }: StoreListing,
  deps: RenewalDeps,
  rootVersion: number,
): Promise<readonly Step[]> {
  const now = deps.clock();
  const kernels = files.map(({ key, notes }) => ({ id: kernelOfFeedKey(key), notes }));
  const recorded = await deps.catalogue.versions(kernels.map(({ id }) => id));
  return kernels.flatMap(({ id, notes }, i) => {
    const steps: Step[] = [];
    if (isDue(notes, now, rootVersion)) {
      steps.push({ kernel: id, kind: "renewed", run: async () => isRenewed(await deps.queue.renew(id)) });
    }
    if ((recorded[i] ?? 0) < Number(notes["targets"]))
      steps.push({ kernel: id, kind: "recorded", run: () => recordAgain(deps, id) });
    return steps;
  });
}

function isRenewed(outcome: Awaited<ReturnType<PublisherQueue["renew"]>>): boolean {
  if (outcome.kind === "refused" || outcome.kind === "misconfigured") throw new Error(outcome.message);
  return outcome.kind === "renewed";
}

async function recordAgain(deps: RenewalDeps, id: BuildId): Promise<boolean> {
  const entry = await storedEntry(deps, id);
  if (entry) await deps.catalogue.record([entry]);
  return entry !== undefined;
}

/**
 * Reads the entry to be recorded for a feed. The time of its publish is not stored: the time of its newest
 * update stands in for that.
 */
async function storedEntry(
  { store, clock }: Pick<RenewalDeps, "store" | "clock">,
  id: BuildId,
): Promise<KernelEntry | undefined> {
  const feed = await readFeed(store, id);
  if (!feed) return undefined;
  const manifest = decodeManifest(feed.bundle.manifest);
  const times = manifest.updates.map(({ published }) => published);
  const newest = times.length === 0 ? clock() : instant(times.reduce((a, b) => Math.max(a, b), 0));
  return entryOf(manifest, feed.versions.targets, newest);
}

async function attempt(
  step: Step,
  { report }: RenewalDeps,
  totals: { renewed: number; recorded: number; failed: number },
  renewed: Set<BuildId>,
): Promise<void> {
  try {
    const done = await step.run();
    if (done) totals[step.kind]++;
    if (done && step.kind === "renewed") renewed.add(step.kernel);
  } catch (error) {
    totals.failed++;
    report(error);
  }
}
