import { createHash } from "node:crypto";
import { mkdir, rename, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { basename, join, resolve } from "node:path";
import { readIfPresent, readNamed, writeDurably } from "../../node/files.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { groupBy } from "../../shared/group_by.ts";
import { encodeJson, type JsonObject, jsonObject } from "../../shared/json.ts";
import { inParallel } from "../../shared/parallel.ts";
import type { PublisherContext } from "../context.ts";
import { MAX_HOOKS_BYTES } from "../create/source/compile_hooks.ts";
import { type BuildPaths, buildPaths, kernelPaths } from "../kernels/kernel_paths.ts";
import { readKernelsFile } from "../kernels/kernels_file.ts";
import type { ServedKernel } from "../kernels/served_kernel.ts";
import { openCache } from "./create_content.ts";
import { makerOf } from "./create_maker.ts";
import type { FixOptions } from "./create_options.ts";
import {
  countedRows,
  decodeRow,
  type KernelRow,
  makingOf,
  rowJson,
  rowText,
  worstExit,
} from "./kernel_making.ts";
import { kernelsMeant } from "./kernels_list.ts";
import { type PackageCacheOptions, withPackages } from "./kernels_options.ts";
import { runSelf } from "./run_self.ts";

/** The options of `create` for kernels of a list. Source, image, headers and modules come from there. */
export interface CreateKernelsOptions extends FixOptions, PackageCacheOptions {
  /** The list of kernels. */
  readonly kernelsFile: string;
  /** Patterns of releases, or beginnings of build IDs. */
  readonly kernels: readonly string[];
}

/** What the runs have in common. */
interface Plan {
  /** The folder with one folder for each kernel, or undefined if nothing is written. */
  readonly output: string | undefined;
  /** The arguments of `create` that are the same for all kernels. */
  readonly arguments: readonly string[];
  /** A digest of what is asked for: options, patches and hooks. */
  readonly asked: string;
}

/** The options that are not passed on: they choose the kernels, or each run has its own. */
export const OWN_OPTIONS = [
  ...["--kernels", "--kernels-file", "--package-cache"],
  ...["--output", "--cache", "--jobs"],
];

/**
 * Makes an update from the same patches for each kernel. Each has a process of its own, so that all processors work and a
 * kernel that fails takes nothing with it. What an earlier run with the same patches and options has made is not made again.
 * @param words the options that are passed on.
 */
export async function createForKernels(
  context: PublisherContext,
  options: CreateKernelsOptions,
  words: readonly string[],
): Promise<void> {
  const { terminal } = context;
  const { archives, kernels: listed } = await readKernelsFile(options.kernelsFile);
  const kernels = kernelsMeant(listed, options.kernels, options.kernelsFile);
  const plan = await planOf(context, options, words);
  const started = performance.now();
  const rows = new Map<ServedKernel, KernelRow>();
  for (const kernel of kernels) {
    const row = (await earlierRow(plan, kernel)) ?? unbuilt(kernel);
    if (row !== undefined) rows.set(kernel, row);
  }
  const left = kernels.filter((kernel) => !rows.has(kernel));
  await withPackages(options, terminal.progress, async (tools) => {
    const paths = await kernelPaths(left, archives, tools, buildPaths);
    await inParallel(leadersFirst(left), options.jobs ?? availableParallelism(), async (kernel) => {
      const files = paths.get(kernel);
      if (files === undefined) throw new RangeError("a kernel without paths");
      const row = await makeOne(context, plan, kernel, files);
      rows.set(kernel, row);
      terminal.progress(`${rows.size} of ${kernels.length}: ${rowText(row)}`);
    });
  });
  const all = kernels.flatMap((kernel) => rows.get(kernel) ?? []);
  for (const row of all) terminal.say(rowText(row));
  const seconds = Math.round((performance.now() - started) / 1000);
  terminal.say(`${countedRows(all)}; ${seconds} s`);
  terminal.result("create", { kernels: all.map(rowJson), seconds });
  context.exitWith(worstExit(all.map(({ outcome }) => outcome)));
}

async function planOf(
  context: PublisherContext,
  options: CreateKernelsOptions,
  words: readonly string[],
): Promise<Plan> {
  const output = options.check ? undefined : options.output && resolve(options.output);
  if (output === undefined && !options.check)
    throw new RebootlessError("usage", "no output folder is given", {
      hint: "Give -o FOLDER, which gets a folder for each kernel, or --check to write nothing.",
    });
  const cache = await openCache(options);
  const { patches } = await makerOf(context, options);
  const hash = createHash("sha256").update(JSON.stringify(words));
  for (const { text } of patches) hash.update(`${text.length}\n${text}`);
  for (const hooks of options.hooks) {
    const path = hooks.slice(hooks.indexOf("=") + 1);
    hash.update(await readNamed(path, MAX_HOOKS_BYTES));
  }
  return { output, arguments: [...words, "--cache", cache, "--jobs", "1"], asked: hash.digest("hex") };
}

/** A kernel without headers or source cannot be built. */
function unbuilt(kernel: ServedKernel): KernelRow | undefined {
  const lacks = kernel.headers === undefined ? "headers" : kernel.source === undefined ? "source" : undefined;
  if (lacks === undefined) return undefined;
  const reason = `its archive has no ${lacks} of version ${kernel.image.version}`;
  return { kernel, outcome: { kind: "not built", reason }, folder: undefined };
}

/**
 * Orders kernels so that the first one of each source comes before its others: a source is unpacked once, and runs that
 * need the same one at the same time would each unpack it.
 */
export function leadersFirst(kernels: readonly ServedKernel[]): readonly ServedKernel[] {
  const groups = [...groupBy(kernels, ({ source }) => source?.sha256 ?? "").values()];
  return [...groups.flatMap(([leader]) => leader ?? []), ...groups.flatMap(([, ...others]) => others)];
}

/** The name of a kernel's folder, which also tells two builds of one release apart. */
const folderOf = ({ release, buildId }: ServedKernel): string => `${release}_${buildId.slice(0, 8)}`;

/** Returns what an earlier run came to that was asked for the same. */
async function earlierRow({ output, asked }: Plan, kernel: ServedKernel): Promise<KernelRow | undefined> {
  if (output === undefined) return undefined;
  const file = join(output, `${folderOf(kernel)}.json`);
  const bytes = await readIfPresent(file);
  if (bytes === undefined) return undefined;
  const row = decodeRow(bytes, file, kernel);
  if (row.asked === asked) return { ...row, folder: row.folder && join(output, row.folder) };
  throw new RebootlessError("usage", `${output} has updates of other patches or options`, {
    hint: "Choose another place, or move that away.",
  });
}

async function makeOne(
  context: PublisherContext,
  { output, arguments: words, asked }: Plan,
  kernel: ServedKernel,
  paths: BuildPaths,
): Promise<KernelRow> {
  const name = folderOf(kernel);
  const folder = output && join(output, name);
  const unfinished = output && join(output, `.${name}`);
  if (output !== undefined) await mkdir(output, { recursive: true });
  if (unfinished !== undefined) await rm(unfinished, { recursive: true, force: true });
  const place = unfinished === undefined ? [] : ["--output", unfinished];
  const args = ["create", "--json", "--quiet", ...words, ...kernelArguments(paths), ...place];
  const outcome = makingOf(await runSelf(context, args));
  const isThere = unfinished !== undefined && folder !== undefined && (await hasReport(unfinished));
  if (isThere) {
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
  }
  const row: KernelRow = { kernel, outcome, folder: isThere ? folder : undefined };
  if (output !== undefined && outcome.kind !== "failed")
    await writeDurably(join(output, `${name}.json`), encodeJson(recordOf(row, asked)));
  return row;
}

const hasReport = async (folder: string): Promise<boolean> =>
  (await readIfPresent(join(folder, "report.json"))) !== undefined;

const kernelArguments = ({ image, modules, headers, source }: BuildPaths): readonly string[] => [
  ...["--image", image],
  ...modules.flatMap((path) => ["--modules", path]),
  ...(headers === undefined ? [] : ["--headers", headers]),
  ...(source === undefined ? [] : ["--source", source]),
];

/** What is written beside a kernel's folder, so that a later run knows it. */
const recordOf = (row: KernelRow, asked: string): JsonObject =>
  jsonObject({
    ...Object.fromEntries(rowJson({ ...row, folder: row.folder && basename(row.folder) })),
    asked,
  });
