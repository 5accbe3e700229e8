import { type KernelImage, openKernelImage } from "../image/kernel_image.ts";
import { openImageInput } from "../package/input.ts";

/** The kernel that a person named, whatever it comes in. Throws `usage`, `limit`, and as `openKernelImage`. */
export async function openKernelInput(path: string): Promise<KernelImage> {
  return openKernelImage(await openImageInput(path));
}
