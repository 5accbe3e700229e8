import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { PublisherContext } from "../context.ts";
import {
  changedArchive,
  type KernelsFile,
  readKernelsFile,
  writeKernelsFile,
} from "../kernels/kernels_file.ts";
import { isMeant } from "../kernels/releases.ts";
import type { KernelArchive } from "../kernels/served_kernel.ts";
import type { KernelsFileOptions } from "./kernels_options.ts";

/** Takes archives and kernels out of the list. What was published for the kernels stays in force. */
export async function kernelsRemove(
  { terminal }: PublisherContext,
  names: readonly string[],
  { file }: KernelsFileOptions,
): Promise<void> {
  const before = await readKernelsFile(file);
  const after = names.reduce((list, name) => without(list, name, file), before);
  await writeKernelsFile(file, after);
  const removed = before.kernels.length - after.kernels.length;
  terminal.say(`removed ${counted(removed, "kernel")}; ${file} has ${after.kernels.length}`);
  terminal.result("kernels remove", { file, removed, kernels: after.kernels.length });
}

/** Returns the list without an archive that is called so, or else without the kernels that a pattern means. */
function without(list: KernelsFile, name: string, file: string): KernelsFile {
  const { head, archives, kernels } = list;
  if (archives.some((archive) => archive.name === name))
    return {
      head: changedArchive(head, name, undefined),
      archives: archives.filter((archive) => archive.name !== name),
      kernels: kernels.filter((kernel) => kernel.archive !== name),
    };
  const meant = kernels.filter((kernel) => isMeant(kernel, name));
  if (meant.length === 0)
    throw new RebootlessError("usage", `${file} has no archive and no kernel ${name}`, {
      hint: "kernels list shows the kernels, and the file itself names the archives.",
    });
  const kept: KernelsFile = { ...list, kernels: kernels.filter((kernel) => !meant.includes(kernel)) };
  const concerned = archives.filter((archive) => meant.some((kernel) => kernel.archive === archive.name));
  const releases = [...new Set(meant.map(({ release }) => release))];
  return concerned.reduce((all, archive) => excepting(all, archive, releases), kept);
}

/** Returns the list in which an archive's kernels of some releases are not served, so that the next sync does not bring them back. */
function excepting(list: KernelsFile, archive: KernelArchive, releases: readonly string[]): KernelsFile {
  const changed = { ...archive, except: [...new Set([...archive.except, ...releases])] };
  return {
    ...list,
    head: changedArchive(list.head, archive.name, changed),
    archives: list.archives.map((one) => (one.name === archive.name ? changed : one)),
  };
}
