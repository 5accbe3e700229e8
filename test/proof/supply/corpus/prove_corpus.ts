import { createHash } from "node:crypto";
import { join } from "node:path";
import type { FileChange } from "../../../../publisher/create/source/apply_patch.ts";
import { groupBy } from "../../../../shared/group_by.ts";
import { Finished, sourcesDigest } from "../../../support/finished.ts";
import { ModuleRunner } from "../../create/guest/module_runner.ts";
import { readPair, type SourcePair } from "../../create/pair.ts";
import { Workshop } from "../../create/workshop.ts";
import { byFolder, type CorpusFix } from "./find/corpus_fix.ts";
import { findCorpus } from "./find/find_corpus.ts";
import { afterTrials, type FixOutcome, outcomeOf } from "./fix_outcome.ts";

/** What became of the corpus. */
export interface CorpusFigures {
  /** The fixes that are live, stuck or refused. */
  readonly fixes: number;
  readonly live: number;
  /** Live ones of all, from 0 to 1. */
  readonly share: number;
  readonly wrong: number;
  /** Refused fixes by the code of the first reason. */
  readonly refused: Readonly<Record<string, number>>;
  /** Fixes that change no code of the kernel, and those that are no fix of their own. */
  readonly unchanged: number;
  readonly alone: number;
  /** Fixes of which a header reaches too many objects for the proof's time: they are neither live nor refused. */
  readonly wide: number;
  /** Fixes of the main loop of a kernel thread: hosts cannot apply them while it runs, as the report says. */
  readonly stuck: number;
  /** Fixes that were made for modules whose hardware the guest has not: they do not count either. */
  readonly untried: number;
  readonly folders: Readonly<Record<string, number>>;
  /** Fixes that the changelogs name and that were not taken. */
  readonly left: number;
}

interface Done {
  readonly fix: CorpusFix;
  readonly outcome: FixOutcome;
}

/** The proof's tools: what is said on stdout, and what on stderr. */
export interface CorpusTools {
  readonly say: (line: string) => void;
  readonly progress: (line: string) => void;
}

/** What makes the updates, and what tries them. */
const CODE = ["publisher/create", "shared/elf", "test/proof/create/guest"];
/** Fixes that are compiled in one run of make. */
const AT_ONCE = 24;
/** The most objects that are compiled for one fix. */
const MAX_OBJECTS = 64;

/**
 * Makes an update of each of many fixes of single CVEs, and loads, uses and undoes each in a guest.
 * @param pairs files that say where two versions of a source and the older kernel are (pair.ts).
 * @param folder for the outcomes, which the next run takes over.
 * @param wanted how many fixes have to be counted. Pairs are taken until there are so many.
 */
export async function proveCorpus(
  pairs: readonly string[],
  folder: string,
  wanted: number,
  tools: CorpusTools,
): Promise<CorpusFigures> {
  const kept = new Finished(join(folder, "corpus.jsonl"), sourcesDigest(CODE), false);
  const done: Done[] = [];
  let left = 0;
  for (const file of pairs) {
    if (counted(done) >= wanted) break;
    const pair = await readPair(file);
    left += await withWorkshop(pair, tools, async (workshop, runner) => {
      const fixes = await findCorpus(pair, workshop, folder, tools.progress);
      let at = 0;
      for (; at < fixes.length && counted(done) < wanted; at += AT_ONCE) {
        const some = fixes.slice(at, at + AT_ONCE);
        done.push(...(await tryFixes(pair, some, { workshop, runner, kept, ...tools })));
      }
      return Math.max(0, fixes.length - at);
    });
  }
  return figures(done, left);
}

/** The outcomes that a share is taken of. */
const COUNTED: ReadonlySet<FixOutcome["kind"]> = new Set<FixOutcome["kind"]>(["live", "stuck", "refused"]);

const counted = (done: readonly Done[]): number =>
  done.filter(({ outcome: { kind } }) => COUNTED.has(kind)).length;

async function withWorkshop<T>(
  pair: SourcePair,
  { progress }: CorpusTools,
  work: (workshop: Workshop, runner: ModuleRunner) => Promise<T>,
): Promise<T> {
  const workshop = await Workshop.open(pair, progress);
  const runner = new ModuleRunner(pair.kernel);
  try {
    return await work(workshop, runner);
  } finally {
    await runner.close();
    workshop.close();
  }
}

interface Place extends CorpusTools {
  readonly workshop: Workshop;
  readonly runner: ModuleRunner;
  readonly kept: Finished;
}

async function tryFixes(
  pair: SourcePair,
  fixes: readonly CorpusFix[],
  place: Place,
): Promise<readonly Done[]> {
  const { workshop, kept, say } = place;
  const kernel = pair.kernel.version;
  const changes = new Map<CorpusFix, readonly FileChange[]>();
  for (const fix of fixes.filter((each) => !kept.has(nameOf(kernel, each))))
    changes.set(fix, await workshop.changes([fix]));
  await workshop.ahead([...changes.values()].filter(({ length }) => length === 1).flat());
  const done: Done[] = [];
  for (const fix of fixes) {
    const began = performance.now();
    const name = nameOf(kernel, fix);
    const outcome = await kept.resultOf(
      name,
      () => tryFix(fix, changes.get(fix) ?? [], place),
      ({ kind }) => kind !== "wrong" && kind !== "wide",
    );
    const seconds = Math.round((performance.now() - began) / 1000);
    say(`${fix.cve} ${fix.path}: ${inWords(outcome)} (${kept.has(name) ? "earlier" : `${seconds} s`})`);
    done.push({ fix, outcome });
  }
  return done;
}

/** A fix is its kernel and its patch. */
const nameOf = (kernel: string, { cve, patch }: CorpusFix): string =>
  `${kernel} ${cve} ${createHash("sha256").update(patch).digest("hex")}`;

async function tryFix(
  fix: CorpusFix,
  changes: readonly FileChange[],
  { workshop, runner }: Place,
): Promise<FixOutcome> {
  try {
    const objects = await workshop.reach(changes);
    if (objects > MAX_OBJECTS) return { kind: "wide", objects };
    const { report, module } = await workshop.make(fix.cve, changes);
    const outcome = outcomeOf(report);
    if (outcome.kind !== "live" || module === undefined) return outcome;
    return afterTrials(outcome, await runner.try(module));
  } catch (error) {
    return {
      kind: "wrong",
      problems: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
    };
  }
}

function inWords(outcome: FixOutcome): string {
  switch (outcome.kind) {
    case "live":
      return `live, ${outcome.functions} functions`;
    case "unchanged":
      return "no code of this kernel changes";
    case "alone":
      return `no fix of its own: ${outcome.why}`;
    case "untried":
      return `made, and not tried: ${outcome.why}`;
    case "stuck":
      return `made, and cannot be applied: ${outcome.loops.join("; ")}`;
    case "wide":
      return `left out: it reaches ${outcome.objects} objects`;
    case "refused":
      return `refused: ${outcome.reasons.map(({ code, subject, reason }) => `${code}: ${subject}: ${reason}`).join("; ")}`;
    case "wrong":
      return `WRONG: ${outcome.problems.join("\n")}`;
  }
}

function figures(done: readonly Done[], left: number): CorpusFigures {
  const of = (kind: FixOutcome["kind"]): number => done.filter(({ outcome }) => outcome.kind === kind).length;
  const codes = done.flatMap(({ outcome }) =>
    outcome.kind === "refused" ? (outcome.reasons[0]?.code ?? []) : [],
  );
  const fixes = counted(done);
  return {
    fixes,
    live: of("live"),
    share: fixes === 0 ? 0 : Math.round((of("live") / fixes) * 1000) / 1000,
    wrong: of("wrong"),
    refused: Object.fromEntries(
      [...groupBy(codes, (code) => code)].map(([code, some]) => [code, some.length]),
    ),
    unchanged: of("unchanged"),
    alone: of("alone"),
    wide: of("wide"),
    stuck: of("stuck"),
    untried: of("untried"),
    folders: byFolder(done.filter(({ outcome }) => COUNTED.has(outcome.kind)).map(({ fix }) => fix)),
    left,
  };
}
