import { resolve } from "node:path";
import { type Config, feedUrl, readConfig } from "../../node/config/config.ts";
import { readNamed } from "../../node/files.ts";
import { openFeeds } from "../../node/transport/feeds.ts";
import type { BuildId } from "../../shared/brand.ts";
import { buildId } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { jsonObject } from "../../shared/json.ts";
import { MAX_ROOT_BYTES } from "../../shared/limits.ts";
import { formatInstant, parseDuration } from "../../shared/time.ts";
import type { Context } from "../context.ts";
import { readInventories } from "../inventory_files.ts";
import { EVERY_KERNEL, type KernelChoice } from "../kernel_choice.ts";
import { MirrorDir } from "../mirror_dir.ts";
import { provision } from "../mirror_trust.ts";
import { type Pruned, parseKeep, prune } from "../prune.ts";
import { RENEW_WITHIN, type Synced, sync } from "../sync.ts";
import { writeLog } from "../sync_log.ts";
import { Upstream } from "../upstream.ts";
import { log, mirrorFreshness, remindOfSite, throwFaults } from "./import_report.ts";

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

/** The number of kernels that are named for people. Further kernels are only counted. */
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
  const choice = await choiceOf(options);
  const renewWithin = renewal(options.renewWithin);
  const upstream = await openUpstream(context, address);
  if (options.root !== undefined) await provision(dir, await readNamed(options.root, MAX_ROOT_BYTES));
  const release = await dir.lock();
  try {
    const freshness = mirrorFreshness(context, options.acceptStale);
    const { progress } = context.terminal;
    const synced = await sync({ dir, upstream, choice, freshness, renewWithin, progress });
    const pruned = keep && (await prune(dir, keep, freshness.now));
    await log(dir, upstream, freshness, synced.importing, undefined);
    report(context, dir, upstream, synced, pruned);
  } catch (error) {
    if (error instanceof RebootlessError && error.code !== "locked") {
      const line = { at: formatInstant(context.clock()), feed: upstream.feed.url, error: error.message };
      await writeLog(dir, jsonObject(line)).catch(() => undefined); // a full disk has no room for the log either
    }
    throw error;
  } finally {
    release();
  }
}

/** Opens a feed by its address. The configuration names proxies, certificates and time limits. */
export async function openUpstream({ places }: Context, address: string): Promise<Upstream> {
  const isUrl = /^[a-z]+:\/\//i.test(address);
  const url = feedUrl(isUrl ? address : resolve(address));
  const config: Config = await readConfig({ ...places, set: [...(places.set ?? []), `feed=${url}`] });
  const [feed] = openFeeds(config);
  if (!feed) throw new RebootlessError("usage", `no feed: ${address}`);
  return new Upstream(feed);
}

async function choiceOf(options: MirrorSyncOptions): Promise<KernelChoice | undefined> {
  const { kernel = [], release = [], distribution = [] } = options;
  const inventories = options.for ? await readInventories(options.for) : [];
  const kernels = new Set<BuildId>([...kernel.map(named), ...inventories.map((one) => one.buildId)]);
  const some = kernels.size + release.length + distribution.length > 0;
  if (options.all && some) {
    throw new RebootlessError("usage", "--all and a choice of kernels exclude each other");
  }
  if (options.for && inventories.length === 0) {
    throw new RebootlessError("usage", "these files have no inventory");
  }
  if (some) return { kernels, releases: release, distributions: distribution };
  return options.all ? EVERY_KERNEL : undefined;
}

function named(text: string): BuildId {
  try {
    return buildId(text);
  } catch (cause) {
    throw new RebootlessError("usage", `not a build ID: ${text}`, {
      cause,
      hint: "`rebootless status` prints a host's build ID. For `uname -r` use `--release`.",
    });
  }
}

function renewal(text: string | undefined): number {
  if (text === undefined) return RENEW_WITHIN;
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return milliseconds;
  throw new RebootlessError("usage", `not a time: ${text}`, { hint: "Such as 36h or 7d." });
}

function report(
  context: Context,
  dir: MirrorDir,
  { feed }: Upstream,
  { importing, roots, unselected, unlisted }: Synced,
  pruned: Pruned | undefined,
): void {
  const { terminal } = context;
  const { taken, renewed, faults, notCovered, artifacts, index, trust } = importing;
  const { requests, bytes } = feed.traffic;
  for (const id of notCovered.slice(0, SHOWN)) {
    terminal.notice(`warning: ${feed.url} has nothing for kernel ${id}`);
  }
  if (notCovered.length > SHOWN) {
    terminal.notice(`warning: it has nothing for ${notCovered.length - SHOWN} more kernels either`);
  }
  terminal.say(`mirror     ${dir.path}, ${counted(index.size, "kernel")}, root version ${trust.version}`);
  terminal.say(`kernels    ${taken.length} changed, ${renewed.length} signed again`);
  terminal.say(`artifacts  ${artifacts.count} fetched, ${counted(artifacts.bytes, "byte")}`);
  terminal.say(`cost       ${counted(requests, "request")}, ${counted(bytes, "byte")}`);
  if (pruned) terminal.say(`pruned     ${counted(pruned.files, "file")}, ${counted(pruned.bytes, "byte")}`);
  if (unselected.length > 0) {
    terminal.say(
      `not chosen ${counted(unselected.length, "kernel")} here: left as they are, until their signatures expire`,
    );
  }
  remindOfSite(context, importing);
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
