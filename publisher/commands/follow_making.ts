import { join, relative } from "node:path";
import { readNamed } from "../../node/files.ts";
import { type BuildId, buildId } from "../../shared/brand.ts";
import type { Decoder } from "../../shared/decode.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { EXIT } from "../../shared/exit_codes.ts";
import { MAX_MANIFEST_BYTES } from "../../shared/limits.ts";
import type { PublisherContext } from "../context.ts";
import { decodeDraft } from "../feed/draft_files.ts";
import type { FollowedFix } from "../follow/follow_state.ts";
import { shortReason } from "../follow/state_file.ts";
import type { FollowTools, MakingOutcome, TrialOutcome } from "../follow/tools.ts";
import { MAX_KERNELS } from "../kernels/kernels_file.ts";
import type { ServedKernel } from "../kernels/served_kernel.ts";
import { requireTrial } from "../try/required_trial.ts";
import { runSelf, selfAnswer } from "./run_self.ts";

/** What making and trying need. */
export interface MakingPlaces {
  /** The folder of the state. */
  readonly folder: string;
  readonly kernelsFile: string;
  readonly packageCache: string;
  readonly cache: string;
  readonly jobs: number | undefined;
  /** The descriptor of the run's lock. A child that goes on after this process was killed keeps the lock. */
  readonly lock: () => number | undefined;
}

const MAX_TEXT = 1 << 20;

/**
 * Returns what makes and tries updates: the commands `create` and `try`, in processes of their own. What they have written
 * they do not make again.
 * @param wordsOf returns the options by which `create` finds a fix.
 */
export function makingTools(
  context: PublisherContext,
  places: MakingPlaces,
  wordsOf: (fix: FollowedFix) => Promise<readonly string[]>,
): Pick<FollowTools, "make" | "try"> {
  const { folder, kernelsFile, packageCache, cache, jobs } = places;
  const run = (words: readonly string[]) => {
    const lock = places.lock();
    return runSelf(context, ["--json", "--quiet", ...words], lock === undefined ? [] : [lock]);
  };
  const list = ["--kernels-file", kernelsFile, "--package-cache", packageCache];

  async function makeAll(fix: FollowedFix, kernels: readonly ServedKernel[]): Promise<Makings> {
    const words = await wordsOf(fix);
    const { stdout, stderr } = await run([
      ...["create", ...words, "--id", fix.id, ...list],
      ...kernels.flatMap(({ buildId: id }) => ["--kernels", id]),
      ...fix.supersedes.flatMap((id) => ["--supersedes", id]),
      ...(fix.kind === "patch" ? ["--summary", fix.subject] : []),
      ...fix.cves.flatMap((cve) => ["--cve", cve]),
      ...["--output", join(folder, "made", fix.id), "--cache", cache],
      ...(jobs === undefined ? [] : ["--jobs", String(jobs)]),
    ]);
    const answer = selfAnswer(stdout);
    const rows = answer?.get("kernels").optional((all) => all.array(MAX_KERNELS));
    if (rows === undefined) return allBroken(kernels, reasonOf(answer, stderr));
    return new Map(rows.map((row) => [row.get("build_id").as(buildId), making(row, fix, folder)]));
  }

  return {
    make: async (fix, kernels) => {
      try {
        return await makeAll(fix, kernels);
      } catch (error) {
        if (!(error instanceof RebootlessError)) throw error;
        return allBroken(kernels, error.message);
      }
    },
    try: async (draft) => {
      const path = join(folder, draft);
      return (await hasPassed(path)) ? { kind: "ok" } : trialOf(await run(["try", path, ...list]));
    },
  };
}

type Makings = ReadonlyMap<BuildId, MakingOutcome>;

const allBroken = (kernels: readonly ServedKernel[], reason: string): Makings =>
  new Map(kernels.map((kernel) => [kernel.buildId, { kind: "broken", reason }]));

/** Reads what `create --kernels --json` says of one kernel. */
function making(row: Decoder, { id }: FollowedFix, folder: string): MakingOutcome {
  const reason = (): string => shortReason(row.get("reason").string(MAX_TEXT));
  const outcome = row.get("outcome").string();
  switch (outcome) {
    case "made":
      return { kind: "made", draft: relative(folder, join(row.get("folder").string(), `${id}.json`)) };
    case "unchanged":
      return { kind: "unchanged" };
    case "already_in":
      return { kind: "already in" };
    case "does_not_apply":
      return { kind: "does not apply", reason: reason() };
    case "not_built":
      return { kind: "not built", reason: reason() };
    case "refused":
      return { kind: "refused", reason: reason() };
    default:
      return { kind: "broken", reason: reason() };
  }
}

/** True if a run that was killed has tried this draft, and it passed as it is. */
async function hasPassed(path: string): Promise<boolean> {
  try {
    await requireTrial(path, decodeDraft(await readNamed(path, MAX_MANIFEST_BYTES), path));
    return true;
  } catch (error) {
    if (error instanceof RebootlessError) return false;
    throw error;
  }
}

function trialOf({
  code,
  stdout,
  stderr,
}: {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}): TrialOutcome {
  if (code === EXIT.ok) return { kind: "ok" };
  const answer = selfAnswer(stdout);
  if (code !== EXIT.untried) return { kind: "broken", reason: reasonOf(answer, stderr) };
  const [tried] = answer?.get("tried").array(1) ?? [];
  const words = ["step", "detail"].map((name) => tried?.get(name).string(MAX_TEXT));
  return { kind: "bad", reason: words.join(": ") };
}

const reasonOf = (answer: Decoder | undefined, stderr: string): string =>
  answer?.get("error").optional((error) => error.get("message").string(MAX_TEXT)) ??
  `it ended without an answer: ${stderr.trim().split("\n").at(-1) ?? ""}`;
