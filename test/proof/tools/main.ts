import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, promisify } from "node:util";
import { decodeManifest, type KernelManifest } from "../../../shared/feed/manifest.ts";
import type { Guest } from "../../support/guest/guest.ts";
import { projectRoot } from "../../support/guest/machine.ts";
import { withGuest } from "../runpre/with_guest.ts";
import { effect, load, undo } from "./guest_checks.ts";
import { IDLE, RECIPES, type Recipe } from "./recipes.ts";
import { openWorkshop, SAMPLE, type Workshop } from "./workshop.ts";

/*
 * tsx main.ts FILE
 *
 * Livepatch modules of other tools: a small kernel is built, and for it a module by hand, by kpatch-build and by
 * klp-build, which replace the same two functions. `inspect` has to name the tool, `draft` has to take the module, and all
 * drafts have to have the same fingerprints. Each is loaded and undone on the booted kernel. One more module has an object
 * that is named as no module is: it has to be refused, and the kernel has to load it and do nothing. FILE is what
 * tools/setup/tools.mjs wrote. The last line on stdout is JSON, and the exit code 0 only if all passed.
 */

const PUBLISH = join(projectRoot, "dist/rebootless-publish.cjs");
const progress = (text: string) => process.stderr.write(`${text}\n`);

/** A module that was made, and what went wrong with it. */
interface Outcome {
  readonly recipe: Recipe;
  readonly path: string | undefined;
  readonly madeBy: string | undefined;
  readonly objects: KernelManifest["updates"][number]["objects"];
  readonly faults: string[];
}

const isMade = (outcome: Outcome): outcome is Outcome & { readonly path: string } =>
  outcome.path !== undefined;

async function publish(...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [PUBLISH, ...args])).stdout;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Makes a module, and looks at it as a publisher would. */
async function look(workshop: Workshop, recipe: Recipe, folder: string): Promise<Outcome> {
  const faults: string[] = [];
  let path: string | undefined;
  let madeBy: string | undefined;
  let objects: Outcome["objects"] = [];
  try {
    path = await workshop.module(recipe.name, () => recipe.make(workshop));
    madeBy = String(JSON.parse(await publish("--json", "inspect", path)).made_by);
    if (!recipe.tool.test(madeBy)) faults.push(`inspect says ${madeBy}`);
    objects = await drafted(workshop, path, join(folder, `${recipe.name}.json`));
  } catch (error) {
    faults.push(messageOf(error));
  }
  return { recipe, path, madeBy, objects, faults };
}

async function drafted(workshop: Workshop, module: string, output: string): Promise<Outcome["objects"]> {
  const sample = join(workshop.kernel.modules, SAMPLE.file);
  const kernel = ["--image", workshop.kernel.vmlinuz, "--modules", sample];
  await publish(
    "draft",
    ...kernel,
    "--id",
    "proof",
    "--summary",
    "a proof",
    "--module",
    module,
    "-o",
    output,
  );
  const [update] = decodeManifest(await readFile(output)).updates;
  return [...(update?.objects ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Loads a module, sees what it does, and undoes it. */
async function play(
  guest: Guest,
  { recipe, path, faults }: Outcome & { readonly path: string },
): Promise<void> {
  try {
    await load(guest, recipe.name, await readFile(path));
    const seen = await effect(guest);
    if (!seen.kernel || !seen.module) faults.push(`it is loaded and ${JSON.stringify(seen)}`);
    await undo(guest, recipe.name);
    const left = await effect(guest);
    if (left.kernel || left.module) faults.push(`it is undone and ${JSON.stringify(left)}`);
  } catch (error) {
    faults.push(messageOf(error));
  }
}

/** Requires that `draft` refuses the module of which the kernel never says that it does nothing. */
async function playIdle(
  guest: Guest | undefined,
  workshop: Workshop,
  folder: string,
): Promise<readonly string[]> {
  const faults: string[] = [];
  try {
    const path = await workshop.module(IDLE.name, () => IDLE.make(workshop));
    const refusal = await drafted(workshop, path, join(folder, "idle.json")).then(() => "", messageOf);
    if (!refusal.includes(`Name the object ${SAMPLE.name}.`))
      faults.push(`draft says ${refusal || "nothing"}`);
    if (guest === undefined) return [...faults, "there was no guest"];
    await load(guest, IDLE.name, await readFile(path));
    const seen = await effect(guest);
    if (!seen.kernel || seen.module) faults.push(`it is loaded and ${JSON.stringify(seen)}`);
    await undo(guest, IDLE.name);
  } catch (error) {
    faults.push(messageOf(error));
  }
  return faults;
}

function compareFingerprints(outcomes: readonly Outcome[]): void {
  const [first, ...others] = outcomes.filter(({ objects }) => objects.length > 0);
  for (const { recipe, objects, faults } of others)
    if (!isDeepStrictEqual(objects, first?.objects))
      faults.push(`${recipe.name} has other fingerprints than ${first?.recipe.name}`);
}

async function prove(file: string): Promise<boolean> {
  const workshop = await openWorkshop(file);
  const folder = await mkdtemp(join(tmpdir(), "rebootless-proof-tools-"));
  try {
    const outcomes: Outcome[] = [];
    for (const recipe of RECIPES) outcomes.push(await look(workshop, recipe, folder));
    compareFingerprints(outcomes);
    const idle = await withGuest({ kernel: workshop.kernel, modules: [SAMPLE.name] }, async (guest) => {
      for (const outcome of outcomes.filter(isMade)) await play(guest, outcome);
      return await playIdle(guest, workshop, folder);
    });
    return report(workshop, outcomes, idle);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function report(workshop: Workshop, outcomes: readonly Outcome[], idle: readonly string[]): boolean {
  const all = [
    ...outcomes.map(({ recipe, faults }) => ({ name: recipe.name, faults })),
    { name: IDLE.name, faults: idle },
  ];
  for (const { name, faults } of all)
    progress(faults.length === 0 ? `ok      ${name}` : `failed  ${name}: ${faults.join("; ")}`);
  const failed = all.filter(({ faults }) => faults.length > 0).length;
  const tools = outcomes.map(({ madeBy }) => madeBy ?? "none");
  const line = { kernel: workshop.kernel.version, tools, passed: all.length - failed, failed };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  return failed === 0;
}

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("where did the set-up say everything is?");
process.exitCode = (await prove(file)) ? 0 : 1;
