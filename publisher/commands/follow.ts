import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { readIfPresent } from "../../node/files.ts";
import { folderLock } from "../../node/lock.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError, restated } from "../../shared/errors.ts";
import { EXIT } from "../../shared/exit_codes.ts";
import { jsonObject } from "../../shared/json.ts";
import type { PublisherContext } from "../context.ts";
import { edgeClient } from "../feed/edge_client.ts";
import type { ProposalOptions } from "../feed/proposal.ts";
import { openPublisherFolder } from "../feed/publisher_folder.ts";
import { type FollowState, NO_FOLLOW_STATE } from "../follow/follow_state.ts";
import { type FollowItem, MAX_STEP_ATTEMPTS, nextStep } from "../follow/item.ts";
import { takenIn } from "../follow/plan.ts";
import { followOnce } from "../follow/run.ts";
import { decodeFollowState } from "../follow/state_file.ts";
import { countsText, followSummary, itemText, summaryJson } from "../follow/summary.ts";
import { readKernelsFile } from "../kernels/kernels_file.ts";
import type { FollowOptions } from "./follow_options.ts";
import { sourceTools } from "./follow_sources.ts";
import { followTools, stateFile, writeFollowStatus } from "./follow_tools.ts";
import { keyringOf } from "./open_keys.ts";

/**
 * Does what is left to do for a feed: takes in kernels and fixes, makes, tries and publishes updates or asks others to sign
 * them. What is known lies in the folder `follow` of the publisher's folder.
 */
export async function follow(context: PublisherContext, dir: string, options: FollowOptions): Promise<void> {
  const folder = resolve(dir, "follow");
  const publisher = await openPublisherFolder(dir, keyringOf(context, options));
  if (options.dryRun) return sayPlan(context, folder, options);
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
  const before = await readState(folder);
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
  writeFollowStatus(folder, summary);
  const changed = changedItems(before, after);
  for (const item of changed) terminal.say(itemText(item));
  terminal.say(countsText(summary));
  const answer = Object.fromEntries(summaryJson(summary));
  const failure = troubles[0] ?? failedItems(changed);
  if (failure !== undefined) throw restated(failure, { answer, told: troubles.length > 0 });
  terminal.result("follow", answer);
  if (after.items.some(({ state }) => state.kind === "waiting")) context.exitWith(EXIT.toSign);
}

async function readState(folder: string): Promise<FollowState> {
  const bytes = await readIfPresent(stateFile(folder));
  return bytes === undefined ? NO_FOLLOW_STATE : decodeFollowState(bytes, stateFile(folder));
}

/** Says what a run would do with the kernels that are in the list now. */
async function sayPlan({ terminal, clock }: PublisherContext, folder: string, options: FollowOptions) {
  const before = await readState(folder);
  const { kernels } = await readKernelsFile(options.kernelsFile);
  const { find } = sourceTools(options, folder, (error) => {
    throw error;
  });
  const after = takenIn(before, await find(before, kernels), kernels, clock());
  const steps = after.items.flatMap((item) => {
    const step = nextStep(item);
    return step === undefined ? [] : [{ step, item }];
  });
  for (const { step, item } of steps)
    terminal.say(`${step.padEnd(6)} ${item.fix.padEnd(32)} ${item.release}`);
  const added = after.fixes.length - before.fixes.length;
  terminal.say(`${counted(added, "new fix", "new fixes")}, ${counted(steps.length, "update")} to go on with`);
  terminal.result("follow", {
    dry_run: true,
    new_fixes: after.fixes.slice(before.fixes.length).map(({ id }) => id),
    next: steps.map(({ step, item }) => jsonObject({ step, fix: item.fix, build_id: item.kernel })),
  });
}

/** Lists the items that a run has changed or added. */
function changedItems(before: FollowState, after: FollowState): readonly FollowItem[] {
  const known = new Map(
    before.items.map((item) => [`${item.fix} ${item.kernel}`, JSON.stringify(item.state)]),
  );
  return after.items.filter((item) => known.get(`${item.fix} ${item.kernel}`) !== JSON.stringify(item.state));
}

/** Returns the error that says that items have failed in this run. Those that were given up before are on the page. */
function failedItems(items: readonly FollowItem[]): RebootlessError | undefined {
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
