import type { Freshness } from "../node/transport/freshness.ts";
import type { BuildId } from "../shared/brand.ts";
import { equalBytes } from "../shared/bytes.ts";
import { counted } from "../shared/counted.ts";
import { isCode, type RebootlessError } from "../shared/errors.ts";
import type { IndexLine } from "../shared/feed/kernel_index.ts";
import { MAX_RENEWALS } from "../shared/feed/listing.ts";
import { rootPath } from "../shared/feed/paths.ts";
import { MAX_ROOT_BYTES } from "../shared/limits.ts";
import { inParallel } from "../shared/parallel.ts";
import { HOUR } from "../shared/time.ts";
import type { Batch } from "./batch.ts";
import { readDamage, removeDamaged, writeDamage } from "./damage.ts";
import { listKernels, noChoice, noMatch } from "./feed_list.ts";
import { EVERY_KERNEL, isChosen, type KernelChoice, needsList, sameChoice } from "./kernel_choice.ts";
import { KernelImport } from "./kernel_import.ts";
import type { MirrorDir } from "./mirror_dir.ts";
import { type MirrorTrust, openTrust } from "./mirror_trust.ts";
import { readSiteTimestamps } from "./site_timestamps.ts";
import { readSyncState, writeSyncState } from "./sync_state.ts";
import type { Candidate, Upstream } from "./upstream.ts";

export interface SyncOptions {
  readonly dir: MirrorDir;
  readonly upstream: Upstream;
  /** The chosen kernels; undefined for the same kernels as the last time. */
  readonly choice: KernelChoice | undefined;
  readonly freshness: Freshness;
  /** The time in milliseconds within which a signature must expire to be renewed. */
  readonly renewWithin: number;
  readonly progress: (line: string) => void;
}

export interface Synced {
  readonly importing: KernelImport;
  readonly choice: KernelChoice;
  /** The versions of the roots that are new here. */
  readonly roots: readonly number[];
  /**
   * The kernels of the mirror that are not chosen. They are left as they are, until their signatures expire.
   */
  readonly unselected: readonly BuildId[];
  /**
   * The reason why the feed's kernels are not all known. The kernels that are known were brought up to date.
   */
  readonly unlisted: RebootlessError | undefined;
}

/**
 * The usual time within which signatures are renewed. The edge signs a timestamp again when half of its seven
 * days are over.
 */
export const RENEW_WITHIN = 84 * HOUR;
/** The number of requests that are made at the same time. */
const PARALLEL = 8;
/** The number of kernels that are put in place together. */
const BATCH = 256;
/**
 * The time between two writes of the index during a long sync, so that a sync that was killed does not begin
 * from the start.
 */
const INDEX_EVERY_MS = 15_000;

/**
 * Brings a mirror up to date with a feed. The caller holds the lock.
 *
 * @throws RebootlessError `unreachable` if the feed goes away. The kernels that were imported until then
 * stay.
 * @throws RebootlessError `usage` if no kernels were ever chosen.
 * @throws RebootlessError `no_match` if the feed has none of the chosen kernels. The earlier choice stays.
 */
export async function sync(options: SyncOptions): Promise<Synced> {
  const { dir, upstream, freshness, progress } = options;
  const before = await readSyncState(dir);
  const choice = options.choice ?? before?.choice ?? EVERY_KERNEL;
  const damage = await readDamage(dir);
  await removeDamaged(dir, damage.remove);
  const index = await dir.index();
  const goesOn =
    index !== undefined && before?.feed === upstream.feed.url && sameChoice(before.choice, choice);
  const trust = await openTrust(dir);
  const batch = await dir.batch();
  const damaged = { kernels: new Set(damage.kernels), artifacts: new Set(damage.artifacts) };
  const importing = new KernelImport(
    {
      dir,
      upstream,
      trust,
      index: index ?? new Map(),
      freshness,
      damaged,
      site: await readSiteTimestamps(dir),
      keepOld: false,
    },
    batch,
  );
  const roots = await followRoots(importing, choice);
  await writeRoots(dir, trust, batch);

  const cursor = goesOn ? before?.cursor : undefined;
  const { list, unlisted } = await listKernels(upstream, choice, cursor);
  if (options.choice === undefined && before === undefined) throw await noChoice(upstream, list, unlisted);
  const todo = kernelsToFetch(importing, choice, list.kernels);
  // If this run is cut short, the next one goes on without being told the choice.
  if (list.kernels.some((line) => todo.has(line.buildId))) {
    await writeSyncState(dir, { feed: upstream.feed.url, choice, cursor });
  }
  const stale = await renew(importing, kernelsToRenew(importing, options, choice, todo), progress);
  await fetchAll(importing, [...todo, ...stale], progress);

  const done = importing.faults.length === 0;
  if (done) await writeDamage(dir, { kernels: [], artifacts: [], remove: [] });
  await dir.writeIndex(importing.index);
  const lines = [...importing.index.values()];
  const unselected = lines.filter((line) => !isChosen(choice, line));
  if (done && !unlisted && unselected.length === lines.length) throw noMatch(upstream, choice);
  const reached = done && list.next !== undefined ? list.next : cursor;
  await writeSyncState(dir, { feed: upstream.feed.url, choice, cursor: reached });
  return { importing, choice, roots, unselected: unselected.map(({ buildId: id }) => id), unlisted };
}

/** Follows the feed's roots. In some folders they lie only below the kernels, so one kernel is named. */
async function followRoots(
  { trust, upstream, index }: KernelImport,
  { kernels }: KernelChoice,
): Promise<readonly number[]> {
  const [some] = [...kernels, ...index.keys()];
  return trust.follow((version) => upstream.root(version, some));
}

/** Writes the roots that are new here, or that were damaged. */
export async function writeRoots(dir: MirrorDir, trust: MirrorTrust, batch: Batch): Promise<void> {
  for (let version = trust.first; version <= trust.version; version++) {
    const bytes = trust.file(version);
    const present = await dir.read(rootPath(version), MAX_ROOT_BYTES);
    if (bytes && !(present && equalBytes(present, bytes))) await batch.write(rootPath(version), bytes);
  }
}

/**
 * Returns the kernels that have to be fetched: the list names another state, or they are missing or damaged
 * here.
 */
function kernelsToFetch(
  importing: KernelImport,
  choice: KernelChoice,
  listed: readonly Candidate[],
): Set<BuildId> {
  const { index, damaged } = importing;
  const wanted = listed.filter((line) => isChosen(choice, line) && differs(index.get(line.buildId), line));
  const named = [...choice.kernels].filter((id) => !index.has(id));
  const broken = [...index.values()].filter(({ buildId: id }) => damaged.kernels.has(id));
  return new Set([...wanted, ...broken].map(({ buildId: id }) => id).concat(named));
}

const differs = (here: IndexLine | undefined, { version, sha256 }: Candidate): boolean =>
  here === undefined || (sha256 === undefined ? version > here.version : sha256 !== here.sha256);

/**
 * Returns the kernels whose signatures have to be renewed. A list that lies or leaves something out cannot
 * hide a change from this: a renewal is signed, and names the targets in force.
 */
function kernelsToRenew(
  { index, trust }: KernelImport,
  { renewWithin, freshness }: SyncOptions,
  choice: KernelChoice,
  todo: ReadonlySet<BuildId>,
): readonly BuildId[] {
  const isDue = ({ expires, root }: IndexLine) =>
    expires - freshness.now < renewWithin || root < trust.version || !needsList(choice);
  return [...index.values()]
    .filter((line) => !todo.has(line.buildId) && isChosen(choice, line) && isDue(line))
    .map(({ buildId: id }) => id);
}

/** Asks for new signatures. Returns the kernels whose whole feed.json has to be fetched after all. */
async function renew(
  importing: KernelImport,
  ids: readonly BuildId[],
  progress: SyncOptions["progress"],
): Promise<readonly BuildId[]> {
  const stale: BuildId[] = [];
  for (let at = 0; at < ids.length; at += PARALLEL * MAX_RENEWALS) {
    const questions: BuildId[][] = [];
    for (let from = at; from < Math.min(ids.length, at + PARALLEL * MAX_RENEWALS); from += MAX_RENEWALS) {
      questions.push(ids.slice(from, from + MAX_RENEWALS));
    }
    const answers = await Promise.all(questions.map((asked) => importing.upstream.renewals(asked)));
    if (answers.some((answer) => answer === undefined)) return ids.slice(at).concat(stale);
    for (const renewal of answers.flatMap((answer) => answer ?? [])) {
      if ((await importing.renew(renewal)) === "stale") stale.push(renewal.buildId);
    }
    await importing.commit();
    progress(
      `${Math.min(ids.length, at + PARALLEL * MAX_RENEWALS)} of ${counted(ids.length, "kernel")} asked for new timestamps`,
    );
  }
  return stale;
}

export async function fetchAll(
  importing: KernelImport,
  ids: readonly BuildId[],
  progress: SyncOptions["progress"],
): Promise<void> {
  let written = performance.now();
  await importing.commit(); // puts the roots in place before the kernels that depend on them
  for (let at = 0; at < ids.length; at += BATCH) {
    const part = ids.slice(at, at + BATCH);
    try {
      await inParallel(part, PARALLEL, (id) => importing.fetch(id));
    } catch (error) {
      if (!isCode(error, "unreachable")) throw error;
      await importing.commit();
      await importing.dir.writeIndex(importing.index);
      throw error;
    }
    await importing.commit();
    progress(`${at + part.length} of ${counted(ids.length, "kernel")} fetched`);
    if (performance.now() - written < INDEX_EVERY_MS) continue;
    await importing.dir.writeIndex(importing.index);
    written = performance.now();
  }
}
