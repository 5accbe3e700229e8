import type { BuildId } from "../../shared/brand.ts";
import { decodeManifest } from "../../shared/feed/manifest.ts";
import { type Clock, instant } from "../../shared/time.ts";
import type { Catalogue } from "../catalogue/catalogue.ts";
import { type Entry, entryOf } from "../catalogue/entry.ts";
import { FEEDS, kernelOfFeedKey } from "../store/keys.ts";
import type { Listing, Store } from "../store/store.ts";
import { EXPIRING, type NearestExpiries, NOTHING_EXPIRES, sooner } from "./expiries.ts";
import type { PublisherQueue } from "./ports.ts";
import { newestRootVersion } from "./roots.ts";
import { isDue, readFeed } from "./stored_feed.ts";

export interface TendDeps {
  readonly store: Store;
  readonly queue: PublisherQueue;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly report: (error: unknown) => void;
}

export interface Tended {
  readonly kernels: number;
  readonly renewed: number;
  readonly recorded: number;
  readonly failed: number;
  /** After what was signed again. */
  readonly nearest: NearestExpiries;
}

/** A round a few hours apart does all that is due of 20,000 kernels in a life of theirs, with as much to spare. */
const MAX_ACTS = 400;
const AT_ONCE = 8;

/**
 * One round over all feeds: signs again what is due, which readers would otherwise have to bring about (a mirror
 * should not find a feed that nobody read for a week), and records what the catalogue missed. One failure stops nothing.
 */
export async function tend(deps: TendDeps): Promise<Tended> {
  const rootVersion = await newestRootVersion(deps.store, 1);
  const totals = { kernels: 0, renewed: 0, recorded: 0, failed: 0 };
  let nearest = NOTHING_EXPIRES;
  let acts = 0;
  for (let page = await deps.store.list(FEEDS); ; page = await deps.store.list(FEEDS, page.next)) {
    totals.kernels += page.files.length;
    const renewed = new Set<BuildId>();
    const due = (await dueOf(page, deps, rootVersion)).slice(0, MAX_ACTS - acts);
    acts += due.length;
    for (let at = 0; at < due.length; at += AT_ONCE) {
      await Promise.all(due.slice(at, at + AT_ONCE).map((act) => attempt(act, deps, totals, renewed)));
    }
    for (const { key, notes } of page.files) {
      const id = kernelOfFeedKey(key);
      nearest = sooner(nearest, id, notes, renewed.has(id) ? ["targets"] : EXPIRING);
    }
    if (page.next === undefined) return { ...totals, nearest };
  }
}

/** Records everything, oldest first: for a catalogue that a process makes anew when it starts. */
export async function recordAll(deps: Pick<TendDeps, "store" | "catalogue" | "clock">): Promise<number> {
  const entries: Entry[] = [];
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

interface Act {
  readonly kernel: BuildId;
  readonly kind: "renewed" | "recorded";
  /** False when there was nothing to do after all. */
  readonly run: () => Promise<boolean>;
}

async function dueOf({ files }: Listing, deps: TendDeps, rootVersion: number): Promise<readonly Act[]> {
  const now = deps.clock();
  const kernels = files.map(({ key, notes }) => ({ id: kernelOfFeedKey(key), notes }));
  const recorded = await deps.catalogue.versions(kernels.map(({ id }) => id));
  return kernels.flatMap(({ id, notes }, i) => {
    const acts: Act[] = [];
    if (isDue(notes, now, rootVersion)) {
      acts.push({ kernel: id, kind: "renewed", run: async () => isRenewed(await deps.queue.renew(id)) });
    }
    if ((recorded[i] ?? 0) < Number(notes["targets"]))
      acts.push({ kernel: id, kind: "recorded", run: () => recordAgain(deps, id) });
    return acts;
  });
}

function isRenewed(outcome: Awaited<ReturnType<PublisherQueue["renew"]>>): boolean {
  if (outcome.kind === "refused" || outcome.kind === "misconfigured") throw new Error(outcome.message);
  return outcome.kind === "renewed";
}

async function recordAgain(deps: TendDeps, id: BuildId): Promise<boolean> {
  const entry = await storedEntry(deps, id);
  if (entry) await deps.catalogue.record([entry]);
  return entry !== undefined;
}

/** When it was published is not kept; the newest of its updates is the best that can be said. */
async function storedEntry(
  { store, clock }: Pick<TendDeps, "store" | "clock">,
  id: BuildId,
): Promise<Entry | undefined> {
  const feed = await readFeed(store, id);
  if (!feed) return undefined;
  const manifest = decodeManifest(feed.bundle.manifest);
  const times = manifest.updates.map(({ published }) => published);
  const newest = times.length === 0 ? clock() : instant(times.reduce((a, b) => Math.max(a, b), 0));
  return entryOf(manifest, feed.versions.targets, newest);
}

async function attempt(
  act: Act,
  { report }: TendDeps,
  totals: { renewed: number; recorded: number; failed: number },
  renewed: Set<BuildId>,
): Promise<void> {
  try {
    const done = await act.run();
    if (done) totals[act.kind]++;
    if (done && act.kind === "renewed") renewed.add(act.kernel);
  } catch (error) {
    totals.failed++;
    report(error);
  }
}
