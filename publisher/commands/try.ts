import { access } from "node:fs/promises";
import { dirname, join } from "node:path";
import { requireNew, writeNamed } from "../../node/cli/output.ts";
import { sha256Of } from "../../node/crypto.ts";
import { readNamed } from "../../node/files.ts";
import type { BuildId } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { groupBy } from "../../shared/group_by.ts";
import { MAX_MANIFEST_BYTES } from "../../shared/limits.ts";
import type { PublisherContext } from "../context.ts";
import type { LocalArtifacts } from "../feed/artifact_sender.ts";
import { decodeDraft, readModuleFiles } from "../feed/draft_files.ts";
import { bootPaths, kernelPaths } from "../kernels/kernel_paths.ts";
import { readKernelsFile } from "../kernels/kernels_file.ts";
import { clientFiles, installedBundle } from "../try/client_files.ts";
import type { GuestKernel } from "../try/guest/guest_kernel.ts";
import type { Accelerator } from "../try/guest/qemu.ts";
import { encodeTried, type TriedDraft, triedToJson } from "../try/tried.ts";
import { triedFile } from "../try/tried_file.ts";
import { type TryOptions, tryDraft } from "../try/try_draft.ts";
import { openWithModules } from "./kernel_input.ts";
import { type PackageCacheOptions, withPackages } from "./kernels_options.ts";

export interface TryCommandOptions extends PackageCacheOptions {
  readonly image?: string;
  /** The list in which a draft's kernel is looked for by its build ID if there is no image. */
  readonly kernelsFile: string;
  readonly modules: readonly string[];
  /** The files and folders with the modules of the drafts, in addition to the folders of the drafts. */
  readonly module: readonly string[];
  readonly exercise?: string;
  readonly loadMinutes: number;
  readonly accel: Accelerator | "auto";
  readonly cpu?: string;
}

/** The largest script or program that is put into a guest, in bytes. */
const MAX_EXERCISE_BYTES = 64 << 20;

/**
 * Tries drafts on their kernel before anyone signs them, one after the other, and writes what came of it beside each.
 * @throws RebootlessError `untried` if a draft is bad; all are tried all the same.
 */
export async function tryDrafts(
  context: PublisherContext,
  paths: readonly string[],
  options: TryCommandOptions,
): Promise<void> {
  const drafts = await Promise.all(paths.map((path) => readDraft(path, options.module)));
  const shared = await tryOptions(context, options);
  const all: { readonly path: string; readonly tried: TriedDraft }[] = [];
  for (const [buildId, own] of groupBy(drafts, (draft) => draft.kernel.buildId)) {
    const kernel = await openKernel(context, buildId, options);
    for (const { path, bytes, artifacts, kernel: named } of own) {
      requireSame(path, named, kernel);
      const tried = await tryDraft(bytes, artifacts, {
        ...shared,
        kernel,
        progress: (line) => context.terminal.progress(`${path}: ${line}`),
      });
      await writeNamed(triedFile(path), encodeTried(tried));
      tell(context, path, tried);
      all.push({ path, tried });
    }
  }
  const answer = {
    tried: all.map(
      ({ path, tried }) => new Map([["draft", path], ["file", triedFile(path)], ...triedToJson(tried)]),
    ),
  };
  const bad = all.filter(({ tried }) => tried.verdict.verdict === "bad");
  if (bad.length > 0) {
    throw new RebootlessError(
      "untried",
      `${counted(bad.length, "draft")} did not pass: ${bad.map(({ path }) => path).join(", ")}`,
      { hint: "The file beside each draft has the lines that show it. Do not sign such a draft.", answer },
    );
  }
  context.terminal.result("try", answer);
}

/** Opens the kernel that is given, or the one of the list that has a build ID. */
async function openKernel(
  { terminal }: PublisherContext,
  buildId: BuildId,
  options: TryCommandOptions,
): Promise<OpenedKernel> {
  const { image, modules, kernelsFile } = options;
  if (image !== undefined) return opened(image, modules);
  const { kernels, archives } = await readKernelsFile(kernelsFile);
  const found = kernels.find((kernel) => kernel.buildId === buildId);
  if (found === undefined)
    throw new RebootlessError("usage", `${kernelsFile} has no kernel with the build ID ${buildId}`, {
      hint: "Give its --image, or look for more kernels: kernels sync.",
    });
  return withPackages(options, terminal.progress, async (tools) => {
    const paths = (await kernelPaths([found], archives, tools, bootPaths)).get(found);
    if (paths === undefined) throw new RangeError("a kernel without paths");
    return opened(paths.image, paths.modules);
  });
}

/** A kernel for guests, and which one it is. */
type OpenedKernel = GuestKernel & { readonly buildId: BuildId };

/** Opens a kernel and finds its modules. Its packages are not needed any more then. */
async function opened(path: string, modulePaths: readonly string[]): Promise<OpenedKernel> {
  const { image, file, modules } = await openWithModules(path, modulePaths, () => true);
  const { release, buildId } = image;
  return { release, buildId, image: file, modules: await modules.all() };
}

async function tryOptions(
  { clock }: PublisherContext,
  { exercise, loadMinutes, accel, cpu }: TryCommandOptions,
): Promise<Omit<TryOptions, "progress" | "kernel">> {
  return {
    client: await clientFiles(installedBundle),
    exercise: exercise === undefined ? undefined : await readNamed(exercise, MAX_EXERCISE_BYTES),
    loadMinutes,
    accelerator: accel,
    cpu,
    clock,
  };
}

interface DraftToTry {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** The modules that it names. */
  readonly artifacts: readonly Uint8Array[];
  readonly kernel: Pick<KernelManifest["kernel"], "release" | "buildId">;
}

async function readDraft(path: string, modulePaths: readonly string[]): Promise<DraftToTry> {
  const bytes = await readNamed(path, MAX_MANIFEST_BYTES);
  const draft = decodeDraft(bytes, path);
  if (draft.updates.length === 0) throw new RebootlessError("usage", `${path} has no update`);
  await requireNew(triedFile(path), true);
  const files = await readModuleFiles([...modulePaths, ...(await besideDraft(path, draft))]);
  return { path, bytes, artifacts: await artifactsOf(path, draft, files), kernel: draft.kernel };
}

/** @throws RebootlessError `usage` if a draft is for another kernel than the one that is opened. */
function requireSame(path: string, { release, buildId }: DraftToTry["kernel"], kernel: OpenedKernel): void {
  if (buildId === kernel.buildId) return;
  throw new RebootlessError(
    "usage",
    `${path} is for ${release} (build ID ${buildId}), but the image is ${kernel.release} (${kernel.buildId})`,
    { hint: "Give the image that the draft was made for." },
  );
}

const modulesOf = ({ updates }: KernelManifest) => updates.flatMap(({ module, parts }) => [module, ...parts]);

/** Lists the files beside a draft that have the names of its modules. */
async function besideDraft(path: string, draft: KernelManifest): Promise<readonly string[]> {
  const files = modulesOf(draft).map(({ name }) => join(dirname(path), `${name}.ko`));
  const present = await Promise.all(
    files.map((file) =>
      access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  return files.filter((_, index) => present[index]);
}

async function artifactsOf(
  path: string,
  draft: KernelManifest,
  files: LocalArtifacts,
): Promise<readonly Uint8Array[]> {
  return await Promise.all(
    modulesOf(draft).map(async ({ name, sha256 }) => {
      const bytes = await files.get(sha256)?.();
      if (bytes !== undefined && sha256Of(bytes) === sha256) return bytes;
      throw new RebootlessError("usage", `the module ${name} of ${path} was not given (SHA-256 ${sha256})`, {
        hint: `Give its file with --module, or keep it beside the draft as ${name}.ko.`,
      });
    }),
  );
}

function tell({ terminal }: PublisherContext, path: string, tried: TriedDraft): void {
  const { kernel, machine, steps, changes, verdict } = tried;
  terminal.say(`draft      ${path}`);
  terminal.say(`kernel     ${kernel.release}, build ID ${kernel.buildId}`);
  terminal.say(`machine    QEMU, ${machine.accelerator}, ${machine.cpu}`);
  for (const { id, did, ms } of changes) terminal.say(`${did.padEnd(10)} ${id} in ${ms} ms`);
  const seconds = Math.round(steps.reduce((sum, { ms }) => sum + ms, 0) / 1000);
  terminal.say(`took       ${seconds} s for ${counted(steps.length, "step")}`);
  if (verdict.verdict === "ok") terminal.say("verdict    ok");
  else {
    terminal.say(`verdict    BAD at the step ${verdict.step}: ${verdict.detail}`);
    for (const line of verdict.lines) terminal.say(`           ${line}`);
  }
  terminal.say(`file       ${triedFile(path)}`);
}
