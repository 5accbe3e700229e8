import { readNamed, writeDurably } from "../../node/files.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { decodeManifest, encodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import { MAX_ARTIFACT_BYTES, MAX_MANIFEST_BYTES } from "../../shared/limits.ts";
import { dateOfMaking } from "../../shared/source_date.ts";
import type { PublisherContext } from "../context.ts";
import { decodeDraft } from "../feed/draft_files.ts";
import { readLivepatchModule } from "../module/livepatch_module.ts";
import { makeDraft, type UpdateOptions } from "./draft.ts";
import { openWithModules } from "./kernel_input.ts";

export interface AddOptions extends Omit<UpdateOptions, "distribution" | "coverageEnds"> {
  readonly image: string;
  readonly modules: readonly string[];
}

/**
 * Adds an update to a draft, so that all of the draft's updates are signed and published at once. `draft` begins a draft
 * with the first module; `add` adds further modules of the same kernel, whatever tool built them. The updates that the
 * draft already has stay as they were edited, and the file is replaced whole or not at all.
 */
export async function add(
  context: PublisherContext,
  path: string,
  modulePath: string,
  options: AddOptions,
): Promise<void> {
  const { terminal } = context;
  const published = dateOfMaking(context);
  const draft = decodeDraft(await readNamed(path, MAX_MANIFEST_BYTES), path);
  const bytes = await readNamed(modulePath, MAX_ARTIFACT_BYTES);
  requireNew(draft, options.id, path);
  const changed = new Set<string>(readLivepatchModule(bytes).objects.map(({ object }) => object));
  const kernel = await openWithModules(options.image, options.modules, (name) => changed.has(name));
  if (kernel.image.buildId !== draft.kernel.buildId) {
    throw new RebootlessError(
      "usage",
      `${path} is for the kernel ${draft.kernel.buildId}, but the image is ${kernel.image.buildId}`,
      { hint: "Make one draft for each kernel: rebootless-publish draft." },
    );
  }
  const { update } = await makeDraft(kernel, bytes, options, published);
  const encoded = encodeManifest({ ...draft, updates: [...draft.updates, update] });
  decodeManifest(encoded); // refuses what a host would refuse, such as circular dependencies or too many updates
  await writeDurably(path, encoded);
  const functions = update.objects.reduce((sum, object) => sum + object.functions.length, 0);
  terminal.say(`update     ${update.id}: ${update.summary}`);
  terminal.say(
    `module     ${update.module.name}, ${counted(update.module.length, "byte")}, ${counted(functions, "function")}`,
  );
  terminal.say(`draft      ${path}: ${counted(draft.updates.length + 1, "update")}`);
  terminal.result("add", {
    build_id: kernel.image.buildId,
    id: update.id,
    module: update.module.name,
    functions,
    updates: draft.updates.length + 1,
    output: path,
  });
}

function requireNew({ updates }: KernelManifest, id: string, path: string): void {
  if (!updates.some((update) => update.id === id)) return;
  throw new RebootlessError("usage", `${path} already has an update ${id}`, {
    hint: "Give this update another id, or remove the other one from the file.",
  });
}
