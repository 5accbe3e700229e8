import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FileChange } from "../../../publisher/create/source/apply_patch.ts";
import { kernelCompiler } from "../../../publisher/create/source/compiler.ts";
import { ModuleRunner, type Trial } from "./guest/module_runner.ts";
import { KINDS } from "./kinds/all.ts";
import { type Played, playKinds } from "./kinds/play.ts";
import { playSignature } from "./kinds/signature.ts";
import { playStacked } from "./kinds/stacked.ts";
import { inTurn, proofOptions, spread } from "./options.ts";
import { proveOwnChanges } from "./own_changes.ts";
import { readPair, type SourcePair } from "./pair.ts";
import { proveRoots } from "./roots.ts";
import { type FileOutcome, Workshop } from "./workshop.ts";

/*
 * The proof of `create` at scale: the difference of two versions of the distribution's source, one update for each .c file
 * that is built into the kernel, each of them loaded into the older kernel, used and undone; all of them in one update; and
 * fixes in modules, with the module loaded before and after. Where there is one version alone, small changes of ours take the
 * place of the difference. Lines on stdout, the last of them JSON.
 */

const MODULE_FIXES = 12;
/** Where the fixes in modules are looked for. */
const MODULE_FOLDERS = /^(?:fs|net)\//;

const began = performance.now();
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const progress = (line: string): void => {
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stderr.write(`[${seconds.padStart(6)} s] ${line}\n`);
};

const WORDS = {
  made: "made",
  unchanged: "no functional change",
  refused: "refused",
  alone: "does not compile alone",
  part: "is only a part of a change",
  failed: "FAILED",
} as const;

const sayOutcome = ({ path, kind, why }: FileOutcome): void =>
  say(`${path}: ${WORDS[kind]}${why === "" ? "" : `: ${why.slice(0, 500)}`}`);

const count = (outcomes: readonly FileOutcome[], kind: FileOutcome["kind"]): number =>
  outcomes.filter((outcome) => outcome.kind === kind).length;

/** Loads every module that was made, and says what became of it. */
async function tryAll(runner: ModuleRunner, outcomes: readonly FileOutcome[]): Promise<readonly Trial[]> {
  const trials: Trial[] = [];
  for (const { module, path } of outcomes) {
    if (module === undefined) continue;
    for (const trial of await runner.try(module)) {
      trials.push(trial);
      sayTrial(path, trial);
    }
  }
  return trials;
}

function sayTrial(what: string, { order, loaded, undone, problems, ms }: Trial): void {
  const target = order === "none" ? "" : `, its module loaded ${order}`;
  const end = loaded && undone && problems.length === 0 ? "loaded, used, undone" : "FAILED";
  say(`${what}: ${end}${target} (${ms} ms)${problems.length === 0 ? "" : `\n  ${problems.join("\n  ")}`}`);
}

const isGood = ({ loaded, undone, problems }: Trial): boolean => loaded && undone && problems.length === 0;

/** The first fixes in modules of file systems and the network that can be made, of as many kinds as there are. */
async function moduleFixes(workshop: Workshop, wanted: number): Promise<readonly FileOutcome[]> {
  const files = inTurn(
    await workshop.differing((object, path) => object !== "vmlinux" && MODULE_FOLDERS.test(path)),
  );
  const made: FileOutcome[] = [];
  for (let at = 0; at < files.length && made.length < wanted; at += wanted) {
    const changes = await workshop.changes(files.slice(at, at + wanted));
    const some = await workshop.each(changes, sayOutcome);
    made.push(...some.filter(({ kind }) => kind === "made"));
  }
  return made.slice(0, wanted);
}

async function cumulative(workshop: Workshop, runner: ModuleRunner, changes: readonly FileChange[]) {
  const { report, module } = await workshop.make("cumulative", changes);
  if (module === undefined) return { files: changes.length, outcome: report.outcome, good: false };
  const functions = report.units.reduce((sum, { changed }) => sum + changed.length, 0);
  const [trial] = await runner.try(module);
  if (trial === undefined) throw new Error("the cumulative update was not tried");
  sayTrial(
    `cumulative update of ${changes.length} files, ${functions} functions, ${module.bytes.length} bytes`,
    trial,
  );
  return { files: changes.length, functions, bytes: module.bytes.length, good: isGood(trial) };
}

/** Small changes of ours, each of another kind, become what they must, on each kernel. */
async function proveKinds(pairs: readonly SourcePair[], only: string | undefined): Promise<boolean> {
  const wanted = KINDS.filter(({ kind }) => only === undefined || kind.includes(only));
  const wrong = new Set<string>();
  const names = new Set<string>();
  for (const pair of pairs) {
    const { version } = pair.kernel;
    const series = /^\d+\.\d+/.exec(version)?.[0] ?? version;
    say(`kernel ${version}`);
    await withWorkshop(pair, async (workshop, runner) => {
      const kinds = wanted.filter((kind) => kind.series === undefined || kind.series === series);
      const played: Played[] = [...(await playKinds(workshop, runner, kinds, say))];
      if (only === undefined) {
        for (const extra of [await playStacked(workshop, runner), await playSignature(pair.kernel)]) {
          say(`${extra.kind}: ${extra.problems.join("\n") || "right"}`);
          played.push(extra);
        }
      }
      for (const { kind, problems } of played) {
        names.add(kind);
        if (problems.length > 0) wrong.add(kind);
      }
    });
  }
  say(
    JSON.stringify({
      kernels: pairs.map(({ kernel }) => kernel.version),
      kinds: names.size,
      right: names.size - wrong.size,
      wrong: [...wrong],
      seconds: secondsSinceStart(),
    }),
  );
  return wrong.size === 0 && names.size > 0;
}

async function withWorkshop(
  pair: SourcePair,
  work: (workshop: Workshop, runner: ModuleRunner) => Promise<void>,
): Promise<void> {
  const workshop = await Workshop.open(pair, progress);
  const runner = new ModuleRunner(pair.kernel);
  try {
    await work(workshop, runner);
  } finally {
    await runner.close();
    workshop.close();
  }
}

const secondsSinceStart = (): number => Math.round((performance.now() - began) / 1000);

async function main(): Promise<boolean> {
  const { pairs: files, limit, kinds, roots, only } = proofOptions(process.argv.slice(2));
  const pairs = await Promise.all(files.map(readPair));
  const [pair] = pairs;
  if (pair === undefined) throw new Error("no pair of versions");
  if (roots) return await proveRootsOf(pair);
  if (kinds) return await proveKinds(pairs, only);
  return pair.to === null ? await proveOwn(pair, limit) : await proveStep(pair, limit);
}

/** Makes a root with the kernel's compiler, and tries it. */
async function proveRootsOf({ kernel }: SourcePair): Promise<boolean> {
  const compiler = kernelCompiler(await readFile(join(kernel.headers, ".config"), "utf8"));
  if (compiler === undefined) throw new Error(`which compiler made ${kernel.version}?`);
  const wrong = await proveRoots(compiler, say);
  say(
    JSON.stringify({ kernel: kernel.version, compiler: compiler.text, wrong, seconds: secondsSinceStart() }),
  );
  return wrong.length === 0;
}

/** Makes updates of one version of a source. */
async function proveOwn(pair: SourcePair, limit: number | undefined): Promise<boolean> {
  say(`of this series there is one version, ${pair.from}: small changes of ours are made to it`);
  let good = false;
  await withWorkshop(pair, async (workshop, runner) => {
    const outcome = await proveOwnChanges(pair, workshop, runner, limit, say);
    const { made, loaded, undone, failed } = outcome;
    const { version } = pair.kernel;
    good = failed === 0 && made > 0 && loaded === made && undone === made;
    const facts = { from: pair.from, kernel: version, place: workshop.place };
    say(JSON.stringify({ ...facts, ...outcome, seconds: secondsSinceStart() }));
  });
  return good;
}

/** Makes an update of each file that two versions differ in, and loads, uses and undoes each. */
async function proveStep(pair: SourcePair, limit: number | undefined): Promise<boolean> {
  if (!pair.asked) say(`the archive has ${pair.from} and ${pair.to}, the newest pair: these are taken`);
  const workshop = await Workshop.open(pair, progress);
  const runner = new ModuleRunner(pair.kernel);
  try {
    const all = await workshop.differing((object) => object === "vmlinux");
    const chosen = spread(all, limit);
    progress(`${all.length} files of the kernel proper differ, ${chosen.length} are taken`);
    const outcomes = await workshop.each(await workshop.changes(chosen), sayOutcome);
    const trials = await tryAll(runner, outcomes);
    const madeChanges = outcomes.filter(({ kind }) => kind === "made").map(({ change }) => change);
    const whole = madeChanges.length > 0 ? await cumulative(workshop, runner, madeChanges) : undefined;
    const fixes = await moduleFixes(workshop, Math.min(MODULE_FIXES, limit ?? MODULE_FIXES));
    const fixTrials = await tryAll(runner, fixes);
    const made = count(outcomes, "made");
    const result = {
      from: pair.from,
      to: pair.to,
      kernel: pair.kernel.version,
      files: chosen.length,
      not_alone: count(outcomes, "alone"),
      parts: count(outcomes, "part"),
      made,
      unchanged: count(outcomes, "unchanged"),
      refused: count(outcomes, "refused"),
      failed: count(outcomes, "failed"),
      loaded: trials.filter(({ loaded }) => loaded).length,
      undone: trials.filter(({ undone }) => undone).length,
      problems: [...trials, ...fixTrials].filter((trial) => !isGood(trial)).length,
      cumulative: whole,
      module_fixes: { made: fixes.length, tried: fixTrials.length, good: fixTrials.filter(isGood).length },
      seconds: secondsSinceStart(),
    };
    say(JSON.stringify(result));
    return result.failed === 0 && result.problems === 0 && made > 0 && whole?.good === true;
  } finally {
    await runner.close();
    workshop.close();
  }
}

process.exitCode = (await main()) ? 0 : 1;
