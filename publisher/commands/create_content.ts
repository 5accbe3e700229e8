import { mkdir } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { readNamed } from "../../node/files.ts";
import { type ObjectName, objectName, VMLINUX } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { PublisherContext } from "../context.ts";
import { choosePlace, type PlaceOptions } from "../create/builder/choose_place.ts";
import { explainRefusals } from "../create/explain/explain.ts";
import type { PatchObject } from "../create/patch_object.ts";
import { refusedBy } from "../create/refused_by.ts";
import type { SeriesReport } from "../create/series/outcomes.ts";
import { makeSkeletons } from "../create/skeletons/make_skeletons.ts";
import type { MadeSkeletons, Skeleton } from "../create/skeletons/skeleton.ts";
import { agreement } from "../create/source/agreement.ts";
import { applySeries } from "../create/source/apply_patch.ts";
import { compileHooks, MAX_HOOKS_BYTES } from "../create/source/compile_hooks.ts";
import { installedCompiler } from "../create/source/compiler.ts";
import { openHeaders } from "../create/source/headers.ts";
import { withKpatchMacros } from "../create/source/kpatch_macros.ts";
import { objectCache } from "../create/source/object_cache.ts";
import { MAX_PATCH_BYTES, type PatchStep, patchSteps } from "../create/source/patch_file.ts";
import type { SourceRefusal } from "../create/source/source_refusal.ts";
import { openSource, type SourceTree } from "../create/source/source_tree.ts";
import { openWorkspace, type Workspace } from "../create/source/workspace.ts";
import { type UnitComparer, unitComparer } from "../create/unit_comparer.ts";
import { makeUpdate, type UpdateContent, type UpdateTools, withRefusals } from "../create/update.ts";
import { keptImage } from "../kernel_files/kept_image.ts";
import { cacheFolder } from "./cache_folder.ts";
import { type KernelAndModules, openWithModules } from "./kernel_input.ts";

/** A file of one patch, or of several ones after each other. */
export interface PatchText {
  readonly path: string;
  /** The text as Latin-1, so that every byte is preserved. */
  readonly text: string;
  readonly steps: readonly PatchStep[];
}

/** Reads the files of a series of patches. @throws ParseError. @throws RebootlessError `usage`, `limit`. */
export async function readPatches(paths: readonly string[]): Promise<readonly PatchText[]> {
  const patches: PatchText[] = [];
  let bytes = 0;
  for (const path of paths) {
    const content = await readNamed(path, MAX_PATCH_BYTES);
    bytes += content.length;
    if (bytes > MAX_PATCH_BYTES)
      throw new RebootlessError("limit", `the patches have more than ${MAX_PATCH_BYTES} bytes`);
    const text = Buffer.from(content).toString("latin1");
    patches.push({ path, text, steps: patchSteps(text) });
  }
  return patches;
}

/** The input of `create`, and how it is read and compiled. */
export interface InputOptions extends PlaceOptions {
  readonly source: string;
  readonly image: string;
  readonly headers: readonly string[];
  readonly modules: readonly string[];
  /** C files that run around applying and undoing: `FILE` for the kernel itself, `MODULE=FILE` for a module. */
  readonly hooks: readonly string[];
  /** The types whose layout may change, because no object of them exists from before. */
  readonly layoutOk: readonly string[];
  readonly fuzz: boolean;
  /** True to name the lines of the source that a refusal is about. */
  readonly explain: boolean;
  readonly jobs?: number;
  readonly cache?: string;
}

/** What goes into a module, and the kernel that it is for. */
export interface CreatedContent extends UpdateContent {
  /** What became of each fix, if the update is made of a series. */
  readonly series?: SeriesReport;
  readonly kernel: KernelAndModules;
  /** The code to begin with that was made for what is refused. */
  readonly skeletons?: readonly Skeleton[];
  readonly hooks: readonly PatchObject[];
  /** The checksums of the symbols that the kernel exports. */
  readonly symvers: ReadonlyMap<string, number>;
}

/** Makes the content of an update from a source. `prepared` prepares the source for compiling when it is called. */
export type ContentMaker = (
  source: SourceTree,
  prepared: () => Promise<UpdateTools>,
) => Promise<UpdateContent & Pick<CreatedContent, "series" | "skeletons">>;

/**
 * Makes one update of all patches, one after the other.
 * @param withSkeletons whether to make skeletons for what is refused.
 */
export const ofPatches =
  (
    patches: readonly PatchText[],
    { fuzz, explain }: Pick<InputOptions, "fuzz" | "explain">,
    withSkeletons: boolean,
  ): ContentMaker =>
  async (source, prepared) => {
    const steps = patches.map((patch) => patch.steps);
    const applied = await applySeries(source.root, steps, fuzz);
    const changes = withKpatchMacros(applied.changes);
    const tools = await prepared();
    const made = await makeUpdate(tools, changes);
    const { report, pairs } = made;
    const isHelped = withSkeletons && report.outcome === "refused";
    if (isHelped) tools.progress("trying skeletons for what is refused");
    const help = isHelped ? await makeSkeletons({ ...tools, changes, pairs }, report) : NO_SKELETONS;
    const noted = { ...report, notes: [...applied.notes, ...report.notes, ...help.notes] };
    const explained = explain ? await explainRefusals(noted, changes, pairs) : noted;
    return { ...made, report: explained, skeletons: help.skeletons };
  };

/** Returns the folder where sources, prepared trees and objects are kept. */
export async function openCache({ cache }: Pick<InputOptions, "cache">): Promise<string> {
  const folder = cacheFolder(cache, "create");
  await mkdir(folder, { recursive: true });
  return folder;
}

/**
 * Makes the content of an update for one kernel, with the hooks. What is quick comes first: whether the compiler is here
 * and whether the patches apply is known before the image is opened, which takes seconds and is done while the compiler
 * works. The source's workspace is released even if something fails.
 */
export async function createContent(
  { terminal, warn }: PublisherContext,
  options: InputOptions,
  make: ContentMaker,
): Promise<CreatedContent> {
  const cache = await openCache(options);
  const progress = (line: string): void => terminal.progress(line);
  const found = await openHeaders(options.headers, cache);
  const image = (path: string): Promise<Uint8Array> => keptImage(path, cache);
  const opened = onlyOnce(() => openWithModules(options.image, options.modules, () => true, image));
  const [only, ...others] = found.all;
  const headers = only !== undefined && others.length === 0 ? only : found.of((await opened()).image.release);
  const place = await choosePlace(headers.config, options, { cache, progress });
  const shipped = onlyOnce(async () => {
    const { image, modules } = await opened();
    agreement.image(image.banner, found.of(image.release));
    return unitComparer(image, headers.symvers, modules);
  });
  let workspace: Workspace | undefined;
  try {
    await installedCompiler(headers.config, place.runner());
    const source = await openSource(options.source, cache, progress);
    const content = await make(source, async () => {
      workspace = await openWorkspace(source, headers, {
        cache,
        place,
        jobs: options.jobs ?? availableParallelism(),
        forceCompiler: options.forceCompiler,
        progress,
        // Whoever needs the kernel is told what is wrong with it.
        onStarted: () => void shipped().catch(() => undefined),
      });
      for (const note of workspace.notes) warn(note);
      return { workspace, objects: objectCache(cache), shipped, layoutOk: options.layoutOk, progress };
    });
    if (workspace === undefined) throw new RangeError("the source was not prepared");
    const comparer = await shipped();
    const { hooks, refusals } = await hooksOf(workspace, comparer, options.hooks);
    return {
      ...content,
      report: withRefusals(content.report, refusals),
      kernel: await opened(),
      hooks,
      symvers: comparer.versions.crcs,
    };
  } finally {
    workspace?.release();
    place.release();
  }
}

const NO_SKELETONS: MadeSkeletons = { skeletons: [], notes: [] };

/** Returns a function that does something when it is first called, and gives the same outcome each time. */
function onlyOnce<T>(work: () => Promise<T>): () => Promise<T> {
  let outcome: Promise<T> | undefined;
  return () => {
    outcome ??= work();
    return outcome;
  };
}

/** Compiles the author's own files. */
async function hooksOf(
  workspace: Workspace,
  shipped: UnitComparer,
  texts: readonly string[],
): Promise<{ readonly hooks: readonly PatchObject[]; readonly refusals: readonly SourceRefusal[] }> {
  const hooks: PatchObject[] = [];
  const refusals: SourceRefusal[] = [];
  for (const { object, path } of texts.map(parseHooks)) {
    const compiled = await compileHooks(workspace, await readNamed(path, MAX_HOOKS_BYTES));
    if (compiled.kind === "failed") {
      const { output } = compiled;
      const reason = "this file of hooks does not compile";
      refusals.push({ code: "compile", subject: path, reason, advice: "Mend the file.", output });
      continue;
    }
    try {
      hooks.push(await shipped.whole(compiled.bytes, path, object));
    } catch (error) {
      refusals.push(refusedBy(error, path));
    }
  }
  return { hooks, refusals };
}

/** Parses `FILE`, which stands for hooks of the kernel itself, or `MODULE=FILE`. */
function parseHooks(text: string): { readonly object: ObjectName; readonly path: string } {
  const [, module, path] = /^([A-Za-z0-9_-]+)=(.+)$/s.exec(text) ?? [];
  if (module === undefined || path === undefined) return { object: VMLINUX, path: text };
  return { object: objectName(module.replaceAll("-", "_")), path };
}
