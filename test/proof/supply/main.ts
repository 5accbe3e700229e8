import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Finished, sourcesDigest } from "../../support/finished.ts";
import { cacheDirectory } from "../../support/guest/machine.ts";
import { readPair, twoVersions } from "../create/pair.ts";
import { type CorpusFigures, proveCorpus } from "./corpus/prove_corpus.ts";
import { type FollowProof, proveFollow } from "./follow.ts";
import { proveStep, type StepProof } from "./steps.ts";

/*
 * npm run proof:supply -- [--part PART] [--anew]
 *
 * Proves the way from public fixes to tried updates: single CVE fixes, the steps between the versions of the
 * distribution's source as one update each, and `follow` with runs that are killed. What an earlier run with the same code
 * has shown is not done again. The last line on stdout is JSON; the exit code is 0 only if nothing failed.
 */

const CODE = ["shared", "node", "publisher", "test/proof/supply", "test/proof/create"];
/** How many fixes of single CVEs are to be live or refused, and the least share of them that has to be live. */
const CORPUS = { fixes: 64, share: 0.82 };
const FOLLOW = { kills: 20, kernels: 10 };

const began = performance.now();

function say(text: string): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(1).padStart(7);
  process.stderr.write(`[${seconds} s] ${text}\n`);
}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    part: { type: "string", multiple: true, default: ["cve", "steps", "follow"] },
    corpus: { type: "string", multiple: true, default: [] },
    series: { type: "string" },
    anew: { type: "boolean", default: false },
  },
});
const isAsked = (part: string): boolean => options.part.includes(part);

const digest = sourcesDigest(CODE);
const finished = new Finished(join(cacheDirectory, "supply.jsonl"), digest, options.anew);
const work = ownFolder(join(cacheDirectory, "supply"), digest.slice(0, 12));
const failures: string[] = [];

/** Returns a folder for what this code makes. What other code made is removed. */
function ownFolder(folder: string, name: string): string {
  mkdirSync(join(folder, name), { recursive: true });
  for (const other of readdirSync(folder).filter((one) => one !== name))
    rmSync(join(folder, other), { recursive: true, force: true });
  return join(folder, name);
}

/** Does a part of the proof, or takes what an earlier run came to. A part that throws is a failure like others. */
async function outcomeOf<T>(
  name: string,
  prove: () => Promise<T>,
  isRight: (result: T) => boolean,
): Promise<T | null> {
  say(name);
  try {
    const result = await finished.resultOf(name, prove, isRight);
    if (!isRight(result)) failures.push(`${name}: ${JSON.stringify(result)}`);
    return result;
  } catch (error) {
    failures.push(`${name}: ${error instanceof Error ? error.stack : String(error)}`);
    return null;
  }
}

/** Each step is told as soon as it is known, because the next one may take hours. */
async function proveSteps(): Promise<readonly StepProof[]> {
  const steps: StepProof[] = [];
  for (const file of positionals) {
    const pair = twoVersions(await readPair(file));
    const { from, to } = pair;
    const step = await outcomeOf(
      `the step from ${from} to ${to}`,
      () => proveStep(pair, join(work, "steps"), say),
      ({ tried, undecided }) => ["ok", "none"].includes(tried) && undecided === 0,
    );
    if (step === null) continue;
    say(JSON.stringify(step));
    steps.push(step);
  }
  return steps;
}

/** What is kept of the fixes has digests of its own, so that it outlives changes of other code. */
function fixes(): Promise<CorpusFigures | null> {
  const folder = join(cacheDirectory, "supply-corpus");
  return outcomeOf(
    "fixes of single CVEs",
    () => proveCorpus(options.corpus, folder, CORPUS.fixes, { say, progress: say }),
    ({ fixes: tried, share, wrong }) => tried >= CORPUS.fixes && share >= CORPUS.share && wrong === 0,
  );
}

function follow(): Promise<FollowProof | null> {
  const places = { work: join(work, "follow"), packages: join(cacheDirectory, "packages") };
  // What a run before this one left half done is of no use.
  rmSync(places.work, { recursive: true, force: true });
  mkdirSync(places.work, { recursive: true });
  return outcomeOf(
    `follow, killed ${FOLLOW.kills} times, for ${FOLLOW.kernels} kernels`,
    () => proveFollow({ ...places, ...FOLLOW, say }),
    ({ same }) => same,
  );
}

const cve = isAsked("cve") ? await fixes() : null;
const steps = isAsked("steps") ? await proveSteps() : [];
const followed = isAsked("follow") ? await follow() : null;
for (const failure of failures) say(failure);
const result = {
  cve,
  steps,
  follow: followed,
  failed: failures.length,
  failures: failures.map((failure) => failure.split("\n", 1)[0]),
  seconds: Math.round((performance.now() - began) / 1000),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
process.exitCode = failures.length === 0 ? 0 : 1;
