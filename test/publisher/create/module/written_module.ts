import { readFileSync } from "node:fs";
import { moduleKernel } from "../../../../publisher/create/module/module_kernel.ts";
import { writeModule } from "../../../../publisher/create/module/write_module.ts";
import { openKernelImage } from "../../../../publisher/image/kernel_image.ts";
import { objectName } from "../../../../shared/brand.ts";
import type { Kernel } from "../../../support/guest/machine.ts";
import { kernelCrcs } from "../../../support/kernel_crcs.ts";
import { versionUnit } from "./hand_made.ts";

/** Reading /proc/version gives this line while a written module is in force. */
export const WRITTEN_LINE = "written by hand\n";

/**
 * A module for this kernel, made without a compiler and without the kernel's headers.
 * @param replace true for an atomic replace.
 */
export function writtenModule(kernel: Kernel, name: string, replace = false): Uint8Array {
  const image = openKernelImage(readFileSync(kernel.vmlinuz));
  return writeModule({
    name: objectName(name),
    kernel: moduleKernel(image, kernelCrcs(image)),
    units: [versionUnit(WRITTEN_LINE)],
    hooks: [],
    replace,
  });
}
