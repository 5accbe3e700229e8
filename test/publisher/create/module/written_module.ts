import { readFileSync } from "node:fs";
import { join } from "node:path";
import { moduleKernel } from "../../../../publisher/create/module/module_kernel.ts";
import { writeModule } from "../../../../publisher/create/module/write_module.ts";
import { openKernelImage } from "../../../../publisher/image/kernel_image.ts";
import { objectName } from "../../../../shared/brand.ts";
import type { Kernel } from "../../../support/guest/machine.ts";
import { headersOf } from "../../../support/guest/modules/build.ts";
import { versionUnit } from "./hand_made.ts";

/** A module for this kernel, made without a compiler: /proc/version reads "written by hand". */
export function writtenModule(kernel: Kernel): Uint8Array {
  const symvers = readFileSync(join(headersOf(kernel), "Module.symvers"), "utf8");
  const fields = symvers.split("\n").map((line) => line.split("\t"));
  const crcs = new Map(fields.map(([crc, name = ""]) => [name, Number(crc)]));
  const image = openKernelImage(readFileSync(kernel.vmlinuz));
  return writeModule({
    name: objectName("rebootless_written"),
    kernel: moduleKernel(image, crcs),
    units: [versionUnit("written by hand\n")],
    hooks: [],
    replace: false,
  });
}
