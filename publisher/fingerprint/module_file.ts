import { encodeFingerprints } from "../../shared/runpre/file/encode.ts";
import type { KernelImage } from "../image/kernel_image.ts";
import type { LinkedModule } from "../module/link/linked_module.ts";
import { landmarks } from "./landmarks.ts";
import type { WholeModule } from "./module_function.ts";

/** Encodes the fingerprint file of one module. @throws ParseError. */
export function moduleFile(image: KernelImage, module: LinkedModule, { functions }: WholeModule): Uint8Array {
  return encodeFingerprints(
    {
      kernel: { buildId: image.buildId, release: image.release, architecture: "x86_64" },
      object: { name: module.name, buildId: module.buildId, layout: module.layout },
      landmarks: landmarks(image),
    },
    functions,
  );
}
