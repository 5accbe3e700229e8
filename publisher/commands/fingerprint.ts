import { requireNew, writeNamed } from "../../node/cli/output.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { jsonObject } from "../../shared/json.ts";
import { fingerprintToJson } from "../../shared/runpre/json.ts";
import { landmarksToJson } from "../../shared/runpre/landmarks_json.ts";
import type { PublisherContext } from "../context.ts";
import { fingerprintWhole, kernelFile } from "../fingerprint/kernel_file.ts";
import { fingerprintFunction } from "../fingerprint/kernel_function.ts";
import { landmarks } from "../fingerprint/landmarks.ts";
import type { KernelImage } from "../image/kernel_image.ts";
import { fingerprintModules } from "./fingerprint_modules.ts";
import { openKernelInput } from "./kernel_input.ts";

export interface FingerprintOptions {
  /** The file to which the fingerprints of the whole kernel are written. */
  readonly output?: string;
  readonly force: boolean;
  /** The paths of modules that are fingerprinted in place of the kernel. The output is then a folder. */
  readonly modules: readonly string[];
}

/** Fingerprints functions: shows those that were named on the terminal, or writes those of the whole kernel to a file. */
export async function fingerprint(
  context: PublisherContext,
  imageFile: string,
  names: readonly string[],
  { output, force, modules }: FingerprintOptions,
): Promise<void> {
  if (modules.length > 0) {
    if (output === undefined || names.length > 0) {
      throw new RebootlessError("usage", "--modules needs -o FOLDER and takes no functions", {
        hint: "rebootless-publish fingerprint vmlinuz --modules /lib/modules/RELEASE -o FOLDER",
      });
    }
    return fingerprintModules(context, imageFile, modules, output, force);
  }
  if ((output === undefined) === (names.length === 0)) {
    throw new RebootlessError("usage", "give either functions, or -o FILE for the whole kernel", {
      hint: "rebootless-publish fingerprint vmlinuz -o kernel.fp",
    });
  }
  if (output !== undefined) await requireNew(output, force);
  const image = await openKernelInput(imageFile);
  if (output === undefined) fingerprintNamed(context, image, names);
  else await fingerprintAll(context, image, output);
}

const kernelJson = ({ buildId, release }: KernelImage) => jsonObject({ build_id: buildId, release });

async function fingerprintAll(
  { terminal, warn }: PublisherContext,
  image: KernelImage,
  output: string,
): Promise<void> {
  const whole = fingerprintWhole(image);
  const file = kernelFile(image, whole);
  await writeNamed(output, file);
  const { functions, refused } = whole;
  for (const { message } of refused) warn(message);
  terminal.say(`kernel     ${image.release}, build ID ${image.buildId}`);
  terminal.say(`functions  ${functions.length}${refused.length > 0 ? `, without ${refused.length}` : ""}`);
  terminal.say(`written    ${output}, ${counted(file.length, "byte")}`);
  terminal.result("fingerprint", {
    kernel: kernelJson(image),
    output,
    bytes: file.length,
    functions: functions.length,
    refused: refused.map(({ message, code, details }) => jsonObject({ code, message, ...details })),
  });
}

/** Shows the fingerprints of the named functions. A name that several functions share is given as `name,position`. */
function fingerprintNamed(
  { terminal }: PublisherContext,
  image: KernelImage,
  names: readonly string[],
): void {
  const fingerprints = names.map((name) => fingerprintFunction(image, named(name)));
  for (const fn of fingerprints) {
    const sites = fn.sites.map(({ kind, at }) => `${kind}@${at}`).join(" ");
    terminal.say(
      `${fn.name}  _text+0x${fn.offset.toString(16)}  ${counted(fn.size, "byte")}  sha256 ${fn.sha256}`,
    );
    if (sites) terminal.say(`  ${sites}`);
  }
  terminal.result("fingerprint", {
    kernel: kernelJson(image),
    landmarks: landmarksToJson(landmarks(image)),
    functions: fingerprints.map(fingerprintToJson),
  });
}

function named(text: string): { name: string; position: number } {
  const [, name, position] = /^(.+),(\d{1,6})$/.exec(text) ?? [];
  return { name: name ?? text, position: Number(position ?? 0) };
}
