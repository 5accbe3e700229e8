import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { PublisherContext } from "../context.ts";
import { readKernelsFile } from "../kernels/kernels_file.ts";
import { isMeant } from "../kernels/releases.ts";
import { type ServedKernel, servedKernelToJson } from "../kernels/served_kernel.ts";
import type { KernelsFileOptions } from "./kernels_options.ts";

/** Shows the kernels of the list. */
export async function kernelsList(
  { terminal }: PublisherContext,
  patterns: readonly string[],
  { file }: KernelsFileOptions,
): Promise<void> {
  const { kernels } = await readKernelsFile(file);
  const shown = kernelsMeant(kernels, patterns, file);
  for (const { release, image, buildId, source, headers } of shown) {
    const lacks = [...(headers ? [] : ["no headers"]), ...(source ? [] : ["no source of this version"])];
    const words = [release.padEnd(34), image.version.padEnd(22), buildId.slice(0, 16), lacks.join(", ")];
    terminal.say(words.join("  ").trimEnd());
  }
  terminal.say(counted(shown.length, "kernel"));
  terminal.result("kernels list", { file, kernels: shown.map(servedKernelToJson) });
}

/**
 * Returns the kernels that patterns of releases, or beginnings of build IDs, mean. No pattern means all.
 * @throws RebootlessError `usage` for a pattern that means none.
 */
export function kernelsMeant(
  kernels: readonly ServedKernel[],
  patterns: readonly string[],
  file: string,
): readonly ServedKernel[] {
  for (const pattern of patterns)
    if (!kernels.some((kernel) => isMeant(kernel, pattern)))
      throw new RebootlessError("usage", `${file} has no kernel ${pattern}`, {
        hint: "kernels list shows those that it has, and kernels sync looks for more.",
      });
  if (patterns.length === 0) return kernels;
  return kernels.filter((kernel) => patterns.some((pattern) => isMeant(kernel, pattern)));
}
