import { mkdir } from "node:fs/promises";
import { availableParallelism, homedir } from "node:os";
import { basename, join, resolve } from "node:path";
import { requireAbsent, writeNew } from "../../node/cli/output.ts";
import { readNamed } from "../../node/files.ts";
import { type ObjectName, objectName, VMLINUX } from "../../shared/brand.ts";
import { utf8 } from "../../shared/bytes.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { EXIT } from "../../shared/exit_codes.ts";
import { type JsonValue, parseJson } from "../../shared/json.ts";
import { dateOfMaking } from "../../shared/source_date.ts";
import type { PublisherContext } from "../context.ts";
import { moduleKernel } from "../create/module/module_kernel.ts";
import { type ModuleSigner, moduleSigner, signModule } from "../create/module/sign_module.ts";
import { writeModule } from "../create/module/write_module.ts";
import type { PatchObject } from "../create/patch_object.ts";
import { reportText } from "../create/report_text.ts";
import { applyPatch } from "../create/source/apply_patch.ts";
import { compileHooks, MAX_HOOKS_BYTES } from "../create/source/compile_hooks.ts";
import { openHeaders } from "../create/source/headers.ts";
import { objectCache } from "../create/source/object_cache.ts";
import { MAX_PATCH_BYTES } from "../create/source/patch_file.ts";
import { openSource } from "../create/source/source_tree.ts";
import { openWorkspace } from "../create/source/workspace.ts";
import { unitComparer } from "../create/unit_comparer.ts";
import { makeUpdate, type UpdateContent, type UpdateReport } from "../create/update.ts";
import { makeDraft, type UpdateOptions } from "./draft.ts";
import { type KernelAndModules, openWithModules } from "./kernel_input.ts";

export interface CreateOptions extends Partial<UpdateOptions> {
  readonly patch: string;
  readonly source: string;
  readonly image: string;
  readonly headers: readonly string[];
  readonly modules: readonly string[];
  readonly output?: string;
  /** The name of the module. By default it is made from the update's ID. */
  readonly name?: string;
  readonly cve: readonly string[];
  readonly depends: readonly string[];
  readonly conflicts: readonly string[];
  readonly supersedes: readonly string[];
  readonly replace: boolean;
  /** C files that run around applying and undoing: `FILE` for the kernel itself, `MODULE=FILE` for a module. */
  readonly hooks: readonly string[];
  readonly signKey?: string;
  readonly signCert?: string;
  /** True if the command only reports what the patch changes, and writes nothing. */
  readonly check: boolean;
  readonly fuzz: boolean;
  readonly forceCompiler: boolean;
  readonly jobs?: number;
  readonly cache?: string;
}

/**
 * Makes a livepatch module, its draft and a report from a source patch, using the distribution's own packages. With
 * `check` it makes the report only.
 * @throws RebootlessError `not_live` if the patch cannot be applied to a running kernel; the report is shown all the same.
 */
export async function create(context: PublisherContext, options: CreateOptions): Promise<void> {
  const { terminal } = context;
  const published = dateOfMaking(context);
  const output = outputOf(options);
  if (output !== undefined) await requireAbsent(output);
  const patch = Buffer.from(await readNamed(options.patch, MAX_PATCH_BYTES)).toString("latin1");
  const kernel = await openWithModules(options.image, options.modules, () => true);
  const signer = await signerOf(options);
  const { content, hooks, symvers } = await contentOf(context, options, kernel, patch);
  const { report } = content;
  for (const line of reportText(report)) terminal.say(line);
  const answer = { outcome: report.outcome, report: jsonOf(report) };
  if (report.outcome === "refused") throw refused(report, answer);
  if (report.outcome === "unchanged") context.exitWith(EXIT.unchanged);
  if (report.outcome === "unchanged" || output === undefined) {
    terminal.say(
      report.outcome === "made"
        ? "The update can be made. Nothing was written."
        : "The patch changes no code.",
    );
    terminal.result("create", answer);
    return;
  }
  const about = updateOptions(options, patch);
  const name = options.name === undefined ? nameOf(about.id) : objectName(options.name);
  const written = writeModule({
    name,
    kernel: moduleKernel(kernel.image, symvers),
    units: content.patches,
    hooks,
    replace: options.replace,
  });
  const module = signer === undefined ? written : signModule(written, signer);
  const draft = await makeDraft(kernel, module, about, published);
  await mkdir(output, { recursive: true });
  const file = (suffix: string): string => join(output, suffix);
  await writeNew(file(`${name}.ko`), module);
  await writeNew(file(`${about.id}.json`), draft.encoded);
  await writeNew(file("report.txt"), utf8(`${reportText(report).join("\n")}\n`));
  await writeNew(file("report.json"), utf8(`${JSON.stringify(report, null, 2)}\n`));
  terminal.say(`module  ${file(`${name}.ko`)}, ${counted(module.length, "byte")}`);
  terminal.say(`draft   ${file(`${about.id}.json`)}: ${draft.update.summary}`);
  terminal.result("create", {
    ...answer,
    id: about.id,
    module: file(`${name}.ko`),
    draft: file(`${about.id}.json`),
  });
}

function outputOf({ output, check }: CreateOptions): string | undefined {
  if (check) return undefined;
  if (output !== undefined) return resolve(output);
  throw new RebootlessError("usage", "no output folder is given", {
    hint: "Give -o FOLDER for the module, its draft and the report, or --check to write nothing.",
  });
}

interface Content {
  readonly content: UpdateContent;
  readonly hooks: readonly PatchObject[];
  readonly symvers: ReadonlyMap<string, number>;
}

/** Compiles what the patch changes and the hooks. The source's workspace is released even if that fails. */
async function contentOf(
  { terminal, warn }: PublisherContext,
  options: CreateOptions,
  { image, modules }: KernelAndModules,
  patch: string,
): Promise<Content> {
  const cache = resolve(options.cache ?? defaultCache());
  await mkdir(cache, { recursive: true });
  const progress = (line: string): void => terminal.progress(line);
  const source = await openSource(options.source, cache, progress);
  const changes = await applyPatch(source.root, patch, options.fuzz);
  const headers = await openHeaders(options.headers, image.release, cache);
  const shipped = unitComparer(image, headers.symvers, modules);
  const workspace = await openWorkspace(source, headers, {
    cache,
    jobs: options.jobs ?? availableParallelism(),
    banner: image.banner,
    forceCompiler: options.forceCompiler,
    progress,
  });
  try {
    for (const note of workspace.notes) warn(note);
    const tools = { workspace, objects: objectCache(cache), shipped, progress };
    const content = await makeUpdate(tools, changes);
    const hooks: PatchObject[] = [];
    for (const { object, path } of options.hooks.map(hooksOf)) {
      const file = await compileHooks(workspace, path, await readNamed(path, MAX_HOOKS_BYTES));
      hooks.push(await shipped.whole(file, path, object));
    }
    return { content, hooks, symvers: shipped.versions.crcs };
  } finally {
    workspace.release();
  }
}

/** Parses `FILE`, which stands for hooks of the kernel itself, or `MODULE=FILE`. */
function hooksOf(text: string): { readonly object: ObjectName; readonly path: string } {
  const [, module, path] = /^([A-Za-z0-9_-]+)=(.+)$/s.exec(text) ?? [];
  if (module === undefined || path === undefined) return { object: VMLINUX, path: text };
  return { object: objectName(module.replaceAll("-", "_")), path };
}

async function signerOf({ signKey, signCert }: CreateOptions): Promise<ModuleSigner | undefined> {
  if (signKey === undefined && signCert === undefined) return undefined;
  if (signKey !== undefined && signCert !== undefined)
    return moduleSigner(await readNamed(signKey, MAX_KEY_BYTES), await readNamed(signCert, MAX_KEY_BYTES));
  throw new RebootlessError("usage", "--sign-key and --sign-cert must be given together");
}

const MAX_KEY_BYTES = 64 * 1024;

/** Returns the folder that the XDG Base Directory Specification gives to data that can be made again. */
const defaultCache = (): string =>
  join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "rebootless", "create");

/** Fills in a missing ID from the patch's file name, and a missing summary from the subject that git gave the patch. */
function updateOptions(options: CreateOptions, patch: string): UpdateOptions {
  const stem = basename(options.patch).replace(/\.(?:patch|diff)$/, "");
  const [, subject] = /^Subject: (?:\[[^\]]*\] *)?(.+)$/m.exec(patch) ?? [];
  return {
    ...options,
    id:
      options.id ??
      (stem
        .toLowerCase()
        .replaceAll(/[^a-z0-9.-]+/g, "-")
        .replaceAll(/^[.-]+|[.-]+$/g, "")
        .slice(0, 64) ||
        "update"),
    summary: options.summary ?? subject?.trim() ?? stem,
  };
}

/** Returns the default module name for an update. The kernel shows it in /sys/kernel/livepatch. */
const nameOf = (id: string): ObjectName =>
  objectName(`rebootless_${id.replaceAll(/[^a-z0-9]/g, "_")}`.slice(0, 55));

function refused(report: UpdateReport, answer: Readonly<Record<string, JsonValue>>): RebootlessError {
  const all = [...report.refusals, ...report.units.flatMap(({ refusals }) => refusals)];
  const more = all.length > 1 ? ` and ${all.length - 1} more` : "";
  return new RebootlessError(
    "not_live",
    `this cannot be applied to a running kernel: ${all[0]?.subject}: ${all[0]?.reason}${more}`,
    {
      hint: "docs/patch-authors.md explains what else to try: hooks, shadow variables and smaller patches.",
      answer,
    },
  );
}

function jsonOf(report: UpdateReport): JsonValue {
  const bytes = utf8(JSON.stringify(report));
  return parseJson(bytes, "report", bytes.length); // the text is our own, so it needs no tighter limit
}
