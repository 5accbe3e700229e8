import { join, resolve } from "node:path";
import { writeDurably, writeWhole } from "../../node/files.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { EXIT } from "../../shared/exit_codes.ts";
import { encodeJson } from "../../shared/json.ts";
import { instant } from "../../shared/time.ts";
import type { PublisherContext } from "../context.ts";
import type { ProposalOptions } from "../feed/proposal.ts";
import { statusPage } from "../follow/page/status_page.tsx";
import { encodeFollowState } from "../follow/state_file.ts";
import { type FollowSummary, followSummary, summaryJson } from "../follow/summary.ts";
import type { FollowTools } from "../follow/tools.ts";
import { readKernelsFile } from "../kernels/kernels_file.ts";
import type { ServedKernel } from "../kernels/served_kernel.ts";
import { cacheFolder } from "./cache_folder.ts";
import { type MakingPlaces, makingTools } from "./follow_making.ts";
import { channelsOf, noticeTools } from "./follow_notice.ts";
import type { FollowOptions } from "./follow_options.ts";
import { publishTools } from "./follow_publish.ts";
import { fixWords, sourceTools } from "./follow_sources.ts";
import { runSelf, selfAnswer } from "./run_self.ts";

/** The folder of the state, and what the run has besides. */
export interface RunPlaces {
  readonly folder: string;
  readonly lock: () => number | undefined;
  readonly trouble: (error: RebootlessError) => void;
}

/** Puts together all that a run does with the machine. */
export function followTools(
  context: PublisherContext,
  proposing: ProposalOptions,
  options: FollowOptions,
  { folder, lock, trouble }: RunPlaces,
): FollowTools {
  const progress = (line: string): void => context.terminal.progress(line);
  let shown = instant(0);
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
    channels: channelsOf(options),
    mayPush: options.yes,
    progress,
    trouble,
    save: async (state) => {
      await writeDurably(stateFile(folder), encodeFollowState(state), 0o600);
      if (context.clock() - shown < STATUS_EVERY_MS) return;
      shown = context.clock();
      writeFollowStatus(folder, followSummary(state, shown));
    },
    kernels: () => syncedKernels(context, places, trouble),
    ...sourceTools(options, folder, trouble),
    ...makingTools(context, places, async (fix) =>
      fixWords(fix, folder, await readKernelsFile(places.kernelsFile), options, progress),
    ),
    ...publishTools(context, proposing, folder),
    ...noticeTools(context, options),
  };
}

/** How often a run brings the page up to date, in milliseconds. */
const STATUS_EVERY_MS = 30_000;

export const stateFile = (folder: string): string => join(folder, "state.json");

/** Writes what people and programs look at. Both files are made anew from the state, so they need not be durable. */
export function writeFollowStatus(folder: string, summary: FollowSummary): void {
  writeWhole(join(folder, "status.json"), encodeJson(summaryJson(summary)));
  writeWhole(join(folder, "status.html"), statusPage(summary));
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
