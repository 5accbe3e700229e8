import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { requireNew, writeNamed } from "../../node/cli/output.ts";
import { counted } from "../../shared/counted.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";
import type { PublisherContext } from "../context.ts";
import { moduleFile } from "../fingerprint/module_file.ts";
import { fingerprintModule } from "../fingerprint/module_function.ts";
import type { ModuleFile } from "../kernel_files/module_files.ts";
import { type KernelAndModules, openWithModules } from "./kernel_input.ts";

/** Writes a fingerprint file, FOLDER/NAME.fp, for each module in the given packages, folders or files. */
export async function fingerprintModules(
  context: PublisherContext,
  imagePath: string,
  modulePaths: readonly string[],
  folder: string,
  force: boolean,
): Promise<void> {
  const { terminal } = context;
  const kernel = await openWithModules(imagePath, modulePaths, () => true);
  const files = [...(await kernel.modules.all())].sort((a, b) => (a.name < b.name ? -1 : 1));
  if (files.length === 0) {
    throw new RebootlessError("usage", `${modulePaths.join(", ")}: there is no module`, {
      hint: "Give a .ko file, a folder such as /lib/modules/RELEASE, or a package.",
    });
  }
  await mkdir(folder, { recursive: true });
  for (const { name } of files) await requireNew(join(folder, fileName(name)), force);
  const written: JsonObject[] = [];
  for (const file of files) {
    terminal.progress(`${file.name} (${written.length + 1} of ${files.length})`);
    written.push(...(await writeIfCode(context, kernel, file, folder)));
  }
  const { image } = kernel;
  terminal.say(`kernel     ${image.release}, build ID ${image.buildId}`);
  terminal.say(`written    ${counted(written.length, "file")} in ${folder}`);
  terminal.result("fingerprint", {
    kernel: jsonObject({ build_id: image.buildId, release: image.release }),
    output: folder,
    modules: written,
  });
}

const fileName = (module: string): string => `${module}.fp`;

/**
 * Fingerprints one module. A module that cannot be fingerprinted, such as one that has only data, gives a warning, so
 * that the other modules are still written.
 */
async function writeIfCode(
  context: PublisherContext,
  kernel: KernelAndModules,
  file: ModuleFile,
  folder: string,
): Promise<readonly JsonObject[]> {
  try {
    return [await writeOne(context, kernel, file, folder)];
  } catch (error) {
    if (!isCode(error, "unsupported")) throw error;
    context.warn(`${file.name}: ${error.message}`);
    return [];
  }
}

async function writeOne(
  { warn }: PublisherContext,
  { image, link }: KernelAndModules,
  file: ModuleFile,
  folder: string,
): Promise<JsonObject> {
  const module = await link(file);
  const whole = fingerprintModule(module, image.linkedText);
  for (const { message } of whole.refused) warn(`${module.name}: ${message}`);
  const bytes = moduleFile(image, module, whole);
  const output = join(folder, fileName(module.name));
  await writeNamed(output, bytes);
  return jsonObject({
    name: module.name,
    build_id: module.buildId,
    output,
    bytes: bytes.length,
    functions: whole.functions.length,
    refused: whole.refused.map(({ message, code }) => jsonObject({ code, message })),
  });
}
