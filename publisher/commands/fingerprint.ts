import { landmarksToJson } from "../../shared/feed/manifest.ts";
import { jsonObject } from "../../shared/json.ts";
import { fingerprintToJson } from "../../shared/runpre/json.ts";
import type { Context } from "../context.ts";
import { fingerprintFunction } from "../fingerprint/kernel_function.ts";
import { landmarks } from "../fingerprint/landmarks.ts";
import { openKernelImage } from "../image/kernel_image.ts";
import { openImageInput } from "../package/kernel_input.ts";

/** Says what functions must look like in memory. A name of which there are several is given as `name,position`. */
export async function fingerprint(
  { terminal }: Context,
  imageFile: string,
  names: readonly string[],
): Promise<void> {
  const image = openKernelImage(await openImageInput(imageFile));
  const fingerprints = names.map((name) => fingerprintFunction(image, named(name)));
  for (const fn of fingerprints) {
    const sites = fn.sites.map(({ kind, at }) => `${kind}@${at}`).join(" ");
    terminal.say(`${fn.name}  _text+0x${fn.offset.toString(16)}  ${fn.size} bytes  sha256 ${fn.sha256}`);
    if (sites) terminal.say(`  ${sites}`);
  }
  terminal.result("fingerprint", {
    kernel: jsonObject({ build_id: image.buildId, release: image.release }),
    landmarks: landmarksToJson(landmarks(image)),
    functions: fingerprints.map(fingerprintToJson),
  });
}

function named(text: string): { name: string; position: number } {
  const [, name, position] = /^(.+),(\d{1,6})$/.exec(text) ?? [];
  return { name: name ?? text, position: Number(position ?? 0) };
}
