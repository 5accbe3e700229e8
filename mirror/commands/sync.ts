import { resolve } from "node:path";
import { type Config, feedUrl, readConfig } from "../../node/config/config.ts";
import { readNamed } from "../../node/files.ts";
import { openFeeds } from "../../node/transport/feeds.ts";
import { type Freshness, saneTime, staleness } from "../../node/transport/freshness.ts";
import type { BuildId } from "../../shared/brand.ts";
import { buildId } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type JsonValue, jsonObject } from "../../shared/json.ts";
import { MAX_ROOT_BYTES } from "../../shared/limits.ts";
import { formatInstant, parseDuration } from "../../shared/time.ts";
import type { Context } from "../context.ts";
import { readInventories } from "../inventory_files.ts";
import { MirrorDir } from "../mirror_dir.ts";
import { type Pruned, parseKeep, prune } from "../prune.ts";
import { EVERYTHING, type Selection } from "../selection.ts";
import { RENEW_WITHIN, type Synced, sync } from "../sync.ts";
import { writeLog } from "../sync_log.ts";
import type { Fault, Taking } from "../take.ts";
import { provision } from "../trust.ts";
import { Upstream } from "../upstream.ts";

export interface MirrorSyncOptions {
  readonly root?: string;
  readonly all?: boolean;
  readonly kernel?: readonly string[];
  readonly release?: readonly string[];
  readonly distribution?: readonly string[];
  readonly for?: readonly string[];
  readonly renewWithin?: string;
  readonly acceptStale?: string;
  readonly keep?: string;
}

/** Kernels of a log line and of a list for people: the rest is a number. */
const SHOWN = 100;

/** Brings a mirror up to date with a feed. Everything is verified before it is put in place. */
export async function mirrorSync(
  context: Context,
  address: string,
  folder: string,
  options: MirrorSyncOptions,
): Promise<void> {
  const dir = new MirrorDir(folder);
  const keep = options.keep === undefined ? undefined : parseKeep(options.keep);
  const selection = await selectionOf(options);
  const renewWithin = renewal(options.renewWithin);
  const upstream = await openUpstream(context, address);
  if (options.root !== undefined) await provision(dir, await readNamed(options.root, MAX_ROOT_BYTES));
  const release = await dir.lock();
  try {
    const freshness = mirrorFreshness(context, options.acceptStale);
    const { progress } = context.terminal;
    const synced = await sync({ dir, upstream, selection, freshness, renewWithin, progress });
    const pruned = keep && (await prune(dir, keep, freshness.now));
    await log(dir, upstream, freshness, synced.taking, undefined);
    report(context, dir, upstream, synced, pruned);
  } catch (error) {
    if (error instanceof RebootlessError && error.code !== "locked") {
      const line = { at: formatInstant(context.clock()), feed: upstream.feed.url, error: error.message };
      await writeLog(dir, jsonObject(line)).catch(() => undefined); // a full disk takes no log either
    }
    throw error;
  } finally {
    release();
  }
}

/** One feed by its address, reached as the configuration says: proxies, certificates, time limits. */
export async function openUpstream({ places }: Context, address: string): Promise<Upstream> {
  const isUrl = /^[a-z]+:\/\//i.test(address);
  const url = feedUrl(isUrl ? address : resolve(address));
  const config: Config = await readConfig({ ...places, set: [...(places.set ?? []), `feed=${url}`] });
  const [feed] = openFeeds(config);
  if (!feed) throw new RebootlessError("usage", `no feed: ${address}`);
  return new Upstream(feed);
}

export const mirrorFreshness = (
  { clock, terminal }: Context,
  acceptStale: string | undefined,
): Freshness => ({
  now: saneTime(clock, undefined),
  acceptStaleMs: acceptStale === undefined ? 0 : staleness(acceptStale),
  notice: terminal.notice,
});

async function selectionOf(options: MirrorSyncOptions): Promise<Selection | undefined> {
  const { kernel = [], release = [], distribution = [] } = options;
  const inventories = options.for ? await readInventories(options.for) : [];
  const kernels = new Set<BuildId>([...kernel.map(named), ...inventories.map((one) => one.buildId)]);
  const some = kernels.size + release.length + distribution.length > 0;
  if (options.all && some) {
    throw new RebootlessError("usage", "--all and a choice of kernels exclude each other");
  }
  if (options.for && inventories.length === 0) {
    throw new RebootlessError("usage", "no inventory is in these files");
  }
  if (some) return { kernels, releases: release, distributions: distribution };
  return options.all ? EVERYTHING : undefined;
}

function named(text: string): BuildId {
  try {
    return buildId(text);
  } catch (cause) {
    throw new RebootlessError("usage", `not a build ID: ${text}`, {
      cause,
      hint: "`rebootless status` prints a host's; `--release` takes `uname -r`.",
    });
  }
}

function renewal(text: string | undefined): number {
  if (text === undefined) return RENEW_WITHIN;
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  throw new RebootlessError("usage", `not a time: ${text}`, { hint: "Such as 36h or 7d." });
}

/** What a run did, for whoever asks later. */
export async function log(
  dir: MirrorDir,
  { feed }: Pick<Upstream, "feed">,
  freshness: Freshness,
  taking: Taking,
  more: Readonly<Record<string, JsonValue>> | undefined,
): Promise<void> {
  const { taken, renewed, faults, notCovered, artifacts } = taking;
  const entry = {
    at: formatInstant(freshness.now),
    feed: feed.url,
    taken: taken.length,
    renewed: renewed.length,
    not_covered: notCovered.length,
    failed: faults.length,
    artifacts: artifacts.count,
    requests: feed.traffic.requests,
    bytes: feed.traffic.bytes,
    kernels: taken.slice(0, SHOWN),
    ...more,
  };
  await writeLog(dir, jsonObject(entry));
}

function report(
  context: Context,
  dir: MirrorDir,
  { feed }: Upstream,
  { taking, roots, unselected, unlisted }: Synced,
  pruned: Pruned | undefined,
): void {
  const { terminal } = context;
  const { taken, renewed, faults, notCovered, artifacts, index, trust } = taking;
  const { requests, bytes } = feed.traffic;
  for (const id of notCovered.slice(0, SHOWN)) {
    terminal.notice(`warning: ${feed.url} has nothing for kernel ${id}`);
  }
  if (notCovered.length > SHOWN) {
    terminal.notice(`warning: nor has it anything for ${notCovered.length - SHOWN} more kernels`);
  }
  terminal.say(`mirror     ${dir.path}, ${counted(index.size, "kernel")}, root version ${trust.version}`);
  terminal.say(`kernels    ${taken.length} changed, ${renewed.length} signed again`);
  terminal.say(`artifacts  ${artifacts.count} fetched, ${counted(artifacts.bytes, "byte")}`);
  terminal.say(`cost       ${counted(requests, "request")}, ${counted(bytes, "byte")}`);
  if (pruned) terminal.say(`pruned     ${counted(pruned.files, "file")}, ${counted(pruned.bytes, "byte")}`);
  if (unselected.length > 0) {
    terminal.say(
      `not chosen ${counted(unselected.length, "kernel")} of those here: left to expire as it stands`,
    );
  }
  remindOfSite(context, taking);
  const answer = {
    kernels: index.size,
    root: trust.version,
    roots: [...roots],
    taken: [...taken].sort(),
    renewed: renewed.length,
    not_covered: [...notCovered],
    unselected: [...unselected],
    artifacts: artifacts.count,
    artifact_bytes: artifacts.bytes,
    requests,
    bytes,
    ...(pruned && { pruned: pruned.files, pruned_bytes: pruned.bytes }),
  };
  throwFaults(faults, answer);
  if (unlisted) {
    const { code, message, cause, hint } = unlisted;
    throw new RebootlessError(code, message, { cause, answer, ...(hint !== undefined && { hint }) });
  }
  terminal.result("mirror sync", answer);
}

/** Hosts have seen the site's versions, and take none that is lower. */
export function remindOfSite({ terminal }: Context, { taken, renewed, site }: Taking): void {
  const count = [...taken, ...renewed].filter((id) => site.has(id)).length;
  if (count === 0) return;
  terminal.notice(
    `warning: ${counted(count, "kernel")} had timestamps of this site's own: hosts refuse them until \`mirror resign\` was run again`,
  );
}

/** The gravest is the one to tell of. What could be taken was taken. */
export function throwFaults(faults: readonly Fault[], answer: Readonly<Record<string, JsonValue>>): void {
  const gravest = (["trust", "rollback", "expired"] as const).flatMap((code) =>
    faults.filter(({ error }) => error.code === code),
  )[0];
  if (!gravest) return;
  const { error, buildId: id } = gravest;
  const others = faults.length === 1 ? "" : ` (and ${faults.length - 1} more)`;
  throw new RebootlessError(error.code, `kernel ${id} was not taken${others}: ${error.message}`, {
    cause: error.cause,
    hint: error.hint ?? "Everything else was; its old state is as it was, and hosts judge it as before.",
    answer: {
      ...answer,
      failed: faults.map((fault) =>
        jsonObject({ build_id: fault.buildId, code: fault.error.code, message: fault.error.message }),
      ),
    },
  });
}
