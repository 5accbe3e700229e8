import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { jsonObject } from "../../shared/json.ts";
import type { PublisherContext } from "../context.ts";
import { readKernelsFile, writeKernelsFile } from "../kernels/kernels_file.ts";
import { withArchiveOpen } from "../kernels/open_archive.ts";
import type { KernelArchive, ServedKernel } from "../kernels/served_kernel.ts";
import { type FailedKernel, type SyncedArchive, syncArchive } from "../kernels/sync_kernels.ts";
import { type KernelsFileOptions, type PackageCacheOptions, withPackages } from "./kernels_options.ts";

export type KernelsSyncOptions = KernelsFileOptions & PackageCacheOptions;

/** Brings the list of kernels up to date. What was found is written after each archive, so that nothing is lost. */
export async function kernelsSync(
  { terminal }: PublisherContext,
  names: readonly string[],
  options: KernelsSyncOptions,
): Promise<void> {
  const file = await readKernelsFile(options.file);
  const chosen = archivesNamed(file.archives, names, options.file);
  let kernels = file.kernels;
  const all: SyncedArchive[] = [];
  await withPackages(options, terminal.progress, async (tools) => {
    for (const archive of chosen) {
      const synced = await withArchiveOpen(archive, tools, (open) =>
        syncArchive(archive, open, kernels, { work: tools.folder, progress: terminal.progress }),
      );
      kernels = [...kernels.filter((one) => one.archive !== archive.name), ...synced.kernels];
      await writeKernelsFile(options.file, { ...file, kernels });
      all.push(synced);
      const offered = synced.kernels.length - synced.gone.length;
      terminal.say(`${archive.name}: ${counted(offered, "kernel")}, ${synced.added.length} new`);
      for (const one of synced.gone) terminal.say(`  not offered any more: ${nameOf(one)}`);
    }
  });
  const answer = {
    file: options.file,
    kernels: kernels.length,
    added: all.flatMap(({ added }) => added.map(nameOf)),
    gone: all.flatMap(({ gone }) => gone.map(nameOf)),
  };
  const failed = all.flatMap((synced) => synced.failed);
  const [first] = failed;
  if (first === undefined) return terminal.result("kernels sync", answer);
  throw notRead(first, failed, answer);
}

function archivesNamed(
  archives: readonly KernelArchive[],
  names: readonly string[],
  file: string,
): readonly KernelArchive[] {
  if (archives.length === 0)
    throw new RebootlessError("usage", `${file} has no archive`, { hint: "Add one: kernels add NAME." });
  const unknown = names.find((name) => !archives.some((archive) => archive.name === name));
  if (unknown !== undefined)
    throw new RebootlessError("usage", `${file} has no archive ${unknown}`, {
      hint: `It has ${archives.map(({ name }) => name).join(", ")}.`,
    });
  return names.length === 0 ? archives : archives.filter(({ name }) => names.includes(name));
}

const nameOf = ({ release, image }: ServedKernel): string => `${release} ${image.version}`;

function notRead(
  first: FailedKernel,
  failed: readonly FailedKernel[],
  answer: Readonly<Record<string, string | number | readonly string[]>>,
): RebootlessError {
  const output = failed.map(({ release, version, error }) => `${release} ${version}: ${error.message}`);
  return new RebootlessError(first.error.code, `not read: ${counted(failed.length, "kernel")}`, {
    output,
    hint: first.error.hint ?? "The others are in the list. Run it again to try these once more.",
    answer: {
      ...answer,
      failed: failed.map(({ release, version, error }) =>
        jsonObject({ release, version, code: error.code, message: error.message }),
      ),
    },
  });
}
