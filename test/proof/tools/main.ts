import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, promisify } from "node:util";
import { decodeManifest, type KernelManifest } from "../../../shared/feed/manifest.ts";
import { type Kernel, projectRoot } from "../../support/guest/machine.ts";
import { withGuest } from "../runpre/with_guest.ts";
import { play } from "./guest_checks.ts";
import { KLP_BUILD, OTHERS, type Recipe } from "./recipes.ts";
import { openWorkshop, SAMPLE, smallKernel, type Workshop } from "./workshop.ts";

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

/** A module that was made, what `inspect` and `draft` found in it, and what went wrong with it. */
interface Made {
  readonly recipe: Recipe;
  readonly path: string | undefined;
  readonly faults: string[];
  tool: string;
  objects: KernelManifest["updates"][number]["objects"];
}

async function publish(...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [PUBLISH, ...args])).stdout;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

async function make(workshop: Workshop, recipe: Recipe): Promise<Made> {
  const nothing = { recipe, tool: "none", objects: [] };
  try {
    const path = await workshop.module(recipe.name, () => recipe.make(workshop));
    return { ...nothing, path, faults: [] };
  } catch (error) {
    return { ...nothing, path: undefined, faults: [messageOf(error)] };
  }
}

/** Does something with a module that was made. What fails is a fault of the module. */
async function attempt(made: Made, work: (path: string) => Promise<void>): Promise<void> {
  if (made.path === undefined) return;
  try {
    await work(made.path);
  } catch (error) {
    made.faults.push(messageOf(error));
  }
}

/** Looks at a module as a publisher would. */
async function look(kernel: Kernel, made: Made, path: string, folder: string): Promise<void> {
  const { recipe, faults } = made;
  const drafting = drafted(kernel, path, join(folder, `${recipe.name}.json`));
  if (recipe.isIdle) {
    const refusal = await drafting.then(() => "nothing", messageOf);
    if (!refusal.includes(`Name the object ${SAMPLE.name}.`)) faults.push(`draft says ${refusal}`);
    return;
  }
  made.objects = await drafting;
  made.tool = String(JSON.parse(await publish("--json", "inspect", path)).made_by);
  if (!recipe.tool.test(made.tool)) faults.push(`inspect says ${made.tool}`);
}

async function drafted(kernel: Kernel, module: string, output: string): Promise<Made["objects"]> {
  const given = ["--image", kernel.vmlinuz, "--modules", join(kernel.modules, SAMPLE.file)];
  const about = ["--id", "proof", "--summary", "a proof"];
  await publish("draft", ...given, ...about, "--module", module, "-o", output);
  const [update] = decodeManifest(await readFile(output)).updates;
  return [...(update?.objects ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Requires the same objects with the same fingerprints of all. */
function compare([first, ...others]: readonly Made[]): void {
  for (const { objects, faults } of others)
    if (!isDeepStrictEqual(objects, first?.objects))
      faults.push(`its draft has other objects than that of ${first?.recipe.name}`);
}

async function prove(file: string): Promise<boolean> {
  const workshop = await openWorkshop(file);
  const folder = await mkdtemp(join(tmpdir(), "rebootless-proof-tools-"));
  try {
    const first = await make(workshop, KLP_BUILD);
    const kernel = await smallKernel(workshop);
    const all = [first];
    for (const recipe of OTHERS) all.push(await make(workshop, recipe));
    for (const made of all) await attempt(made, (path) => look(kernel, made, path, folder));
    compare(all.filter(({ objects }) => objects.length > 0));
    await withGuest({ kernel, modules: [SAMPLE.name] }, async (guest) => {
      for (const made of all)
        await attempt(made, async (path) => void made.faults.push(...(await play(guest, made.recipe, path))));
    });
    return report(kernel, all);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function report(kernel: Kernel, all: readonly Made[]): boolean {
  for (const { recipe, faults } of all)
    progress(faults.length === 0 ? `ok      ${recipe.name}` : `failed  ${recipe.name}: ${faults.join("; ")}`);
  const failed = all.filter(({ faults }) => faults.length > 0).length;
  const tools = all.filter(({ recipe }) => !recipe.isIdle).map(({ tool }) => tool);
  const line = { kernel: kernel.version, tools, passed: all.length - failed, failed };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  return failed === 0;
}

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("where did the set-up say everything is?");
process.exitCode = (await prove(file)) ? 0 : 1;
