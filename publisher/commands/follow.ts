import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { readIfPresent, writeDurably } from "../../node/files.ts";
import { folderLock } from "../../node/lock.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError, restated } from "../../shared/errors.ts";
import { EXIT } from "../../shared/exit_codes.ts";
import type { PublisherContext } from "../context.ts";
import { edgeClient } from "../feed/edge_client.ts";
import type { ProposalOptions } from "../feed/proposal.ts";
import { openPublisherFolder } from "../feed/publisher_folder.ts";
import { type FollowState, NO_FOLLOW_STATE } from "../follow/follow_state.ts";
import { type FollowItem, MAX_STEP_ATTEMPTS } from "../follow/item.ts";
import { followOnce } from "../follow/run.ts";
import { decodeFollowState, encodeFollowState } from "../follow/state_file.ts";
import { countsText, followSummary, itemText, summaryJson } from "../follow/summary.ts";
import type { FollowTools } from "../follow/tools.ts";
import { readKernelsFile } from "../kernels/kernels_file.ts";
import type { ServedKernel } from "../kernels/served_kernel.ts";
import { cacheFolder } from "./cache_folder.ts";
import { type MakingPlaces, makingTools } from "./follow_making.ts";
import type { FollowOptions } from "./follow_options.ts";
import { publishTools } from "./follow_publish.ts";
import { fixWords, sourceTools } from "./follow_sources.ts";
import { keyringOf } from "./open_keys.ts";
import { runSelf, selfAnswer } from "./run_self.ts";

/**
 * Does what is left to do for a feed: takes in kernels and fixes, makes, tries and publishes updates or asks others to sign
 * them. What is known lies in the folder `follow` of the publisher's folder.
 */
export async function follow(context: PublisherContext, dir: string, options: FollowOptions): Promise<void> {
  const folder = resolve(dir, "follow");
  const publisher = await openPublisherFolder(dir, keyringOf(context, options));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lock = folderLock(folder, {
    onWait: () =>
      context.terminal.progress("waiting for another run, or for what a run that was killed has begun"),
    hint: "Another run of follow is at work, or goes on with what it had begun. This one did nothing.",
  });
  await lock.take();
  try {
    const edge = edgeClient(options.feed, publisher, context.clock);
    await runLocked(
      context,
      { edge, folder: publisher, clock: context.clock },
      folder,
      lock.descriptor,
      options,
    );
  } finally {
    lock.release();
  }
}

async function runLocked(
  context: PublisherContext,
  proposing: ProposalOptions,
  folder: string,
  lock: () => number | undefined,
  options: FollowOptions,
): Promise<void> {
  const { terminal, clock } = context;
  const file = join(folder, "state.json");
  const bytes = await readIfPresent(file);
  const before = bytes === undefined ? NO_FOLLOW_STATE : decodeFollowState(bytes, file);
  const troubles: RebootlessError[] = [];
  const tools = followTools(context, proposing, options, {
    folder,
    lock,
    trouble: (error) => {
      troubles.push(error);
      terminal.notice(`error: ${error.message}`);
    },
  });
  const after = await followOnce(before, tools);
  const summary = followSummary(after, clock());
  for (const item of changedItems(before, after)) terminal.say(itemText(item));
  terminal.say(countsText(summary));
  const answer = Object.fromEntries(summaryJson(summary));
  const failure = troubles[0] ?? failedItems(after);
  if (failure !== undefined) throw restated(failure, { answer, told: troubles.length > 0 });
  terminal.result("follow", answer);
  if (after.items.some(({ state }) => state.kind === "waiting")) context.exitWith(EXIT.toSign);
}

/** The folder of the state, and what the run has besides. */
interface RunPlaces {
  readonly folder: string;
  readonly lock: () => number | undefined;
  readonly trouble: (error: RebootlessError) => void;
}

function followTools(
  context: PublisherContext,
  proposing: ProposalOptions,
  options: FollowOptions,
  { folder, lock, trouble }: RunPlaces,
): FollowTools {
  const places = {
    folder,
    kernelsFile: resolve(options.kernelsFile),
    packageCache: cacheFolder(options.packageCache, "packages"),
    cache: cacheFolder(options.cache, "create"),
    jobs: options.jobs,
    lock,
  };
  return {
    clock: context.clock,
    channels: [],
    mayPush: options.yes,
    progress: (line) => context.terminal.progress(line),
    trouble,
    save: (state) => writeDurably(join(folder, "state.json"), encodeFollowState(state), 0o600),
    kernels: () => syncedKernels(context, places, trouble),
    ...sourceTools(options, folder, trouble),
    ...makingTools(context, places, (fix) => fixWords(fix, folder)),
    ...publishTools(context, proposing, folder),
  };
}

/** Brings the list of kernels up to date by `kernels sync`. If that fails, the kernels that are known are still served. */
async function syncedKernels(
  context: PublisherContext,
  { kernelsFile, packageCache, lock }: MakingPlaces,
  trouble: (error: RebootlessError) => void,
): Promise<readonly ServedKernel[]> {
  context.terminal.progress("looking for new kernels");
  const { code, stdout, stderr } = await runSelf(
    context,
    ["--json", "--quiet", "kernels", "sync", "--file", kernelsFile, "--package-cache", packageCache],
    [lock() ?? []].flat(),
  );
  if (code !== EXIT.ok) {
    const error = selfAnswer(stdout)?.get("error");
    const message = error?.get("message").string(MAX_MESSAGE) ?? stderr.trim().split("\n").at(-1);
    trouble(new RebootlessError("io", `the list of kernels is not up to date: ${message}`));
  }
  return (await readKernelsFile(kernelsFile)).kernels;
}

const MAX_MESSAGE = 1 << 20;

/** Lists the items that a run has changed or added. */
function changedItems(before: FollowState, after: FollowState): readonly FollowItem[] {
  const known = new Map(
    before.items.map((item) => [`${item.fix} ${item.kernel}`, JSON.stringify(item.state)]),
  );
  return after.items.filter((item) => known.get(`${item.fix} ${item.kernel}`) !== JSON.stringify(item.state));
}

/** Returns the error that says that items have failed and are tried again. */
function failedItems({ items }: FollowState): RebootlessError | undefined {
  const failed = items.filter((item) => item.state.kind === "failed");
  if (failed.length === 0) return undefined;
  return new RebootlessError(
    "io",
    `${counted(failed.length, "update")} could not be made, tried or published`,
    {
      output: failed.slice(0, MAX_SHOWN_FAILURES).map(itemText),
      hint: `Each is tried ${MAX_STEP_ATTEMPTS} times, once in a run.`,
    },
  );
}

const MAX_SHOWN_FAILURES = 20;
