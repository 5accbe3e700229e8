import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { CreateReport } from "../../../publisher/commands/create_report.ts";
import type { FixReport } from "../../../publisher/create/series/outcomes.ts";
import { openSource } from "../../../publisher/create/source/source_tree.ts";
import { decodeTried } from "../../../publisher/try/tried.ts";
import { EXIT } from "../../../shared/exit_codes.ts";
import { publisherBundle } from "../../support/commands.ts";
import type { SourcePair, TwoVersions } from "../create/pair.ts";
import { changedFunctions } from "./changed_functions.ts";

/** What became of the step from one version of the distribution's source to a later one, as one update. */
export interface StepProof {
  readonly from: string;
  readonly to: string;
  readonly kernel: string;
  /** The connected parts of the difference of which this kernel is built, and those that code is changed by. */
  readonly parts: number;
  readonly live: number;
  readonly atStart: number;
  readonly refused: number;
  readonly leftOut: number;
  readonly undecided: number;
  /** How many parts are refused, by the code of the first reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** The share of the functions that these parts change which the update brings. */
  readonly share: number;
  readonly attempts: number;
  /** "ok", or what was wrong with the trial; "none" if no part can be live. */
  readonly tried: string;
  /** The time of making the update, in seconds, as far as this run did it. */
  readonly seconds: number;
}

/** How long the guest makes system calls with the update. */
const LOAD_MINUTES = 10;

/**
 * Makes one update of all that a step changes, for the kernel of the older version, with the command that a publisher
 * uses, and tries it on that kernel.
 * @param work a folder for what is made. What an earlier run made there is not made again.
 */
export async function proveStep(
  pair: TwoVersions,
  work: string,
  say: (line: string) => void,
): Promise<StepProof> {
  const { from, to, kernel, sources, cache } = pair;
  const output = join(work, `${from}_${to}`);
  const began = performance.now();
  if ((await draftIn(output)) === undefined) {
    const made = `${output}.made`;
    await rm(made, { recursive: true, force: true });
    await mkdir(work, { recursive: true });
    const code = await run(
      [
        ...["create", "--series", `${sources.from}..${sources.to}`, "--source", sources.from],
        ...["--image", pair.image, "--headers", kernel.headers, "--cache", cache],
        ...["--id", "step-1", "--summary", `${from} to ${to}`, "-o", made],
      ],
      say,
    );
    if (![EXIT.ok, EXIT.leftOut, EXIT.notLive].some((one) => one === code))
      throw new Error(`create ended with ${code}`);
    await rm(output, { recursive: true, force: true });
    await rename(made, output);
  }
  const seconds = Math.round((performance.now() - began) / 1000);
  const report = JSON.parse(await readFile(join(output, "report.json"), "utf8")) as CreateReport;
  if (report.series === undefined) throw new Error("the report is not on a series");
  const { fixes, attempts } = report.series;
  const of = (...words: readonly FixReport["outcome"][]): readonly FixReport[] =>
    fixes.filter(({ outcome }) => words.includes(outcome));
  const parts = of("live", "at_start", "refused", "left_out", "undecided");
  const trees = await Promise.all([sources.from, sources.to].map((path) => openSource(path, cache, say)));
  const functionsOf = async (some: readonly FixReport[]): Promise<number> => {
    const all = new Set<string>();
    for (const path of some
      .flatMap(({ files }) => files)
      .filter((file) => /^(?!arch\/(?!x86)).*\.c$/.test(file)))
      for (const name of await changedFunctions(trees[0]?.root ?? "", trees[1]?.root ?? "", path))
        all.add(name);
    return all.size;
  };
  const [live, all] = [await functionsOf(of("live")), await functionsOf(parts)];
  return {
    from,
    to,
    kernel: kernel.version,
    parts: parts.length,
    live: of("live").length,
    atStart: of("at_start").length,
    refused: of("refused").length,
    leftOut: of("left_out").length,
    undecided: of("undecided").length,
    reasons: reasonsOf(of("refused")),
    share: all === 0 ? 1 : Number((live / all).toFixed(3)),
    attempts,
    tried: await trial(output, pair, say),
    seconds,
  };
}

function reasonsOf(refused: readonly FixReport[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const fix of refused) {
    const code = ("refusals" in fix ? fix.refusals[0]?.code : undefined) ?? "unknown";
    counts[code] = (counts[code] ?? 0) + 1;
  }
  return counts;
}

/** Tries the draft of a folder, unless an earlier run did it. */
async function trial(output: string, { image }: SourcePair, say: (line: string) => void): Promise<string> {
  const draft = await draftIn(output);
  if (draft === undefined) return "no draft";
  if (draft === "none") return "none";
  const result = join(output, "step-1.tried.json");
  if ((await readFile(result).catch(() => undefined)) === undefined)
    await run(["try", draft, "--image", image, "--load-minutes", String(LOAD_MINUTES)], say);
  const { verdict } = decodeTried(await readFile(result));
  return verdict.verdict === "ok" ? "ok" : `${verdict.step}: ${verdict.detail}`;
}

/** Returns the draft of a folder, "none" if it has only a report, or undefined if nothing was made there. */
async function draftIn(output: string): Promise<string | undefined> {
  const names: readonly string[] = await readdir(output).catch(() => []);
  if (!names.includes("report.json")) return undefined;
  return names.includes("step-1.json") ? join(output, "step-1.json") : "none";
}

/** Runs a command of the publisher, whose progress is said. Returns its exit code. */
function run(args: readonly string[], say: (line: string) => void): Promise<number> {
  const child = spawn(process.execPath, [publisherBundle, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let rest = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    const lines = `${rest}${text}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) say(`${args[0]}: ${line}`);
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}
