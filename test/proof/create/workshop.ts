import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { type KernelAndModules, openWithModules } from "../../../publisher/commands/kernel_input.ts";
import type { BuildPlace } from "../../../publisher/create/builder/build_place.ts";
import { choosePlace } from "../../../publisher/create/builder/choose_place.ts";
import { moduleKernel } from "../../../publisher/create/module/module_kernel.ts";
import { writeModule } from "../../../publisher/create/module/write_module.ts";
import { affectedUnits, objectOf } from "../../../publisher/create/source/affected.ts";
import { applySeries, type FileChange } from "../../../publisher/create/source/apply_patch.ts";
import { compileHooks } from "../../../publisher/create/source/compile_hooks.ts";
import { openHeaders } from "../../../publisher/create/source/headers.ts";
import { type ObjectCache, objectCache } from "../../../publisher/create/source/object_cache.ts";
import { patchSteps } from "../../../publisher/create/source/patch_file.ts";
import { openSource, type SourceTree } from "../../../publisher/create/source/source_tree.ts";
import { openWorkspace, type Workspace } from "../../../publisher/create/source/workspace.ts";
import { type UnitComparer, unitComparer } from "../../../publisher/create/unit_comparer.ts";
import { makeUpdate, type UpdateReport } from "../../../publisher/create/update.ts";
import { type ObjectName, objectName, VMLINUX } from "../../../shared/brand.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { parseSections } from "../../../shared/elf/sections.ts";
import { type ChangedFile, changedFiles, unifiedDiff } from "./changed_files.ts";
import { compileAhead } from "./compile_ahead.ts";
import type { MadeModule } from "./guest/module_runner.ts";
import { edited } from "./kinds/edit.ts";
import type { SourceChange } from "./kinds/kind.ts";
import type { SourcePair } from "./pair.ts";

/** A file of the step, and what its difference came to. */
export interface FileOutcome {
  readonly path: string;
  readonly change: FileChange;
  /** `alone`: it does not compile without others; `part`: it compiles, and only others use what it brings. */
  readonly kind: "made" | "unchanged" | "refused" | "alone" | "part" | "failed";
  /** Why it was not made. */
  readonly why: string;
  readonly module?: MadeModule;
}

const OBJTOOL_TABLES = [".orc_unwind_ip", ".orc_unwind", ".return_sites", ".call_sites"];

/** Everything that makes updates out of the difference of two versions, with one opening of kernel and source. */
export class Workshop {
  readonly #kernel: KernelAndModules;
  readonly #shipped: UnitComparer;
  readonly #workspace: Workspace;
  readonly #objects: ObjectCache;
  readonly #place: BuildPlace;
  /** The second is the first where there is one version alone. */
  readonly #trees: readonly [SourceTree, SourceTree];
  readonly #progress: (line: string) => void;

  private constructor(
    kernel: KernelAndModules,
    shipped: UnitComparer,
    workspace: Workspace,
    objects: ObjectCache,
    place: BuildPlace,
    trees: readonly [SourceTree, SourceTree],
    progress: (line: string) => void,
  ) {
    this.#kernel = kernel;
    this.#shipped = shipped;
    this.#workspace = workspace;
    this.#objects = objects;
    this.#place = place;
    this.#trees = trees;
    this.#progress = progress;
  }

  /** Compiles in a build root where the kernel's compiler is not this machine's. */
  static async open(pair: SourcePair, progress: (line: string) => void): Promise<Workshop> {
    const image = join(pair.kernel.modules, "../../..");
    const kernel = await openWithModules(image, [], () => true);
    const from = await openSource(pair.sources.from, pair.cache, progress);
    const to = pair.sources.to === null ? from : await openSource(pair.sources.to, pair.cache, progress);
    const headers = (await openHeaders([pair.kernel.headers], pair.cache)).of(kernel.image.release);
    const jobs = availableParallelism();
    const { cache } = pair;
    const place = await choosePlace(
      headers.config,
      { root: true, forceCompiler: false },
      { cache, progress },
    );
    const options = { cache, place, jobs, forceCompiler: false, progress };
    const workspace = await openWorkspace(from, headers, options);
    const shipped = unitComparer(kernel.image, headers.symvers, kernel.modules);
    return new Workshop(kernel, shipped, workspace, objectCache(cache), place, [from, to], progress);
  }

  /** The .c files of the step that are linked into objects that `wanted` takes. */
  async differing(wanted: (object: ObjectName, path: string) => boolean): Promise<readonly ChangedFile[]> {
    return changedFiles(...this.#trees, (path) => {
      const object = this.#workspace.units.get(objectOf(path));
      return object !== undefined && wanted(object, path);
    });
  }

  /** What `create` makes of their patches. */
  async changes(files: readonly ChangedFile[]): Promise<readonly FileChange[]> {
    const [{ root }] = this.#trees;
    const patches = files.map(({ patch }) => patchSteps(patch));
    return (await applySeries(root, patches, false)).changes;
  }

  /** Changes of ours to files of the older version. */
  async rewritten(files: readonly SourceChange[]): Promise<readonly FileChange[]> {
    const [{ root }] = this.#trees;
    const folder = await mkdtemp(join(tmpdir(), "rebootless-rewritten-"));
    try {
      const steps: ReturnType<typeof patchSteps>[] = [];
      for (const { source, edits } of files) {
        const after = join(folder, "after.c");
        await writeFile(after, edited(await readFile(join(root, source), "latin1"), edits), "latin1");
        steps.push(patchSteps(await unifiedDiff(join(root, source), after, source)));
      }
      return (await applySeries(root, steps, false)).changes;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  /** Whether the kernel, or a module of it, is compiled from the file. */
  compiles(path: string): boolean {
    return path.endsWith(".c") && this.#workspace.units.has(objectOf(path));
  }

  /** How many objects kbuild compiles again for the changes. */
  async reach(changes: readonly FileChange[]): Promise<number> {
    const { units, sources, includes } = this.#workspace;
    return (await affectedUnits(changes, units, sources, includes)).objects.length;
  }

  /** Compiles what changes of one file each need, and keeps it for {@link make}. */
  async ahead(changes: readonly FileChange[]): Promise<ReadonlyMap<string, string>> {
    return await compileAhead(this.#workspace, this.#objects, changes, this.#progress);
  }

  /** The folders of the two sources. */
  get roots(): readonly [string, string] {
    const [from, to] = this.#trees;
    return [from.root, to.root];
  }

  /** Where programs compile. */
  get place(): string {
    return this.#place.identity;
  }

  /** The tables of objtool that a module of the distribution has, one that returns, calls and keeps a stack. */
  async objtoolTables(): Promise<readonly string[]> {
    const file = await (await this.#kernel.modules.find(objectName("8021q")))?.read();
    if (file === undefined) throw new Error("the kernel's package has no module 8021q");
    const names = new Set(parseSections(file).map(({ name }) => name));
    return OBJTOOL_TABLES.filter((name) => names.has(name));
  }

  /** One update for each change. `said` is told of each as it is known. */
  async each(
    changes: readonly FileChange[],
    said: (outcome: FileOutcome) => void,
  ): Promise<readonly FileOutcome[]> {
    const alone = await this.ahead(changes);
    const outcomes: FileOutcome[] = [];
    for (const change of changes) {
      const words = alone.get(objectOf(change.path));
      const outcome = words === undefined ? await this.#one(change) : notAlone(change, words);
      said(outcome);
      outcomes.push(outcome);
    }
    return outcomes;
  }

  async #one(change: FileChange): Promise<FileOutcome> {
    const { path } = change;
    try {
      const { report, module } = await this.make(path.replace(/\.c$/, ""), [change]);
      const unused = report.units.flatMap((unit) => unit.unused);
      if (module !== undefined && unused.length > 0)
        return { path, change, kind: "part", why: `other files use ${unused.join(", ")}` };
      if (module !== undefined) return { path, change, kind: "made", why: "", module };
      return {
        path,
        change,
        kind: report.outcome === "refused" ? "refused" : "unchanged",
        why: whyOf(report),
      };
    } catch (error) {
      return { path, change, kind: "failed", why: error instanceof Error ? error.message : String(error) };
    }
  }

  /** One update of several changes. */
  async make(
    name: string,
    changes: readonly FileChange[],
    {
      hooks,
      layoutOk = [],
    }: { readonly hooks?: string | undefined; readonly layoutOk?: readonly string[] } = {},
  ): Promise<{ readonly report: UpdateReport; readonly module: MadeModule | undefined }> {
    const tools = {
      workspace: this.#workspace,
      objects: this.#objects,
      shipped: async () => this.#shipped,
      layoutOk,
      progress: () => undefined,
    };
    const { report, patches } = await makeUpdate(tools, changes);
    if (report.outcome !== "made") return { report, module: undefined };
    const compiled = hooks === undefined ? undefined : await compileHooks(this.#workspace, utf8(hooks));
    if (compiled?.kind === "failed") throw new Error(compiled.output.join("\n"));
    const units = compiled ? [this.#shipped.whole(compiled.bytes, "hooks.c", VMLINUX)] : [];
    const module = objectName(`create_${name.replaceAll(/[^a-z0-9]/gi, "_")}`.slice(0, 55));
    const bytes = writeModule({
      name: module,
      kernel: moduleKernel(this.#kernel.image, this.#shipped.versions.crcs),
      units: patches,
      hooks: await Promise.all(units),
      replace: false,
    });
    const targets = [...new Set<string>(patches.map(({ object }) => object))].filter(
      (object) => object !== "vmlinux",
    );
    return { report, module: { name: module, bytes, targets } };
  }

  close(): void {
    this.#workspace.release();
    this.#place.release();
  }
}

const notAlone = (change: FileChange, words: string): FileOutcome => ({
  path: change.path,
  change,
  kind: "alone",
  why: words.split("\n").find((line) => line.includes("error:")) ?? words.split("\n", 1)[0] ?? "",
});

function whyOf({ refusals, units }: UpdateReport): string {
  const all = [...refusals, ...units.flatMap((unit) => unit.refusals)];
  return all.map(({ subject, reason }) => `${subject}: ${reason}`).join("; ");
}
