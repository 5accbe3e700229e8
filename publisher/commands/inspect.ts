import { counted } from "../../shared/counted.ts";
import { RebootlessError, restated } from "../../shared/errors.ts";
import { distributionOf } from "../../shared/feed/distribution.ts";
import type { PublisherContext } from "../context.ts";
import { isSigned } from "../create/module/sign_module.ts";
import { openKernelImage } from "../image/kernel_image.ts";
import { openInput, requireImage } from "../kernel_files/input.ts";
import { isLivepatch, type LivepatchModule, readLivepatchModule } from "../module/livepatch_module.ts";
import { madeBy } from "../module/made_by.ts";
import { openModule } from "../module/module_file.ts";
import { moduleNeeds } from "../module/module_needs.ts";
import { requireSameKernel } from "./draft.ts";
import { openWithModules } from "./kernel_input.ts";
import { targetObject } from "./target_object.ts";

export interface InspectOptions {
  /** The kernel that the module is for. Its functions that the module replaces are fingerprinted. */
  readonly image?: string;
  /** The paths of the modules whose functions the livepatch module replaces. */
  readonly modules: readonly string[];
}

/** The facts about a file. For people each is shown as one line, or as several lines under one name. */
type Facts = Readonly<Record<string, string | readonly string[]>>;

/**
 * Describes a file: a kernel with its build ID, or a module, and for a livepatch module which tool made it, and what it
 * replaces and needs. Of a module that `draft` would refuse it says what can be told, and then why.
 */
export async function inspect(
  { terminal }: PublisherContext,
  path: string,
  options: InspectOptions,
): Promise<void> {
  const input = await openInput(path);
  const [module] = input.modules;
  if (module === undefined && options.image !== undefined)
    throw new RebootlessError("usage", `${path} is not a module, and --image is only for modules`);
  let facts: Facts = {};
  try {
    const parts = module
      ? moduleFacts(await module.read(), options)
      : [kernelFacts(requireImage(input, path))];
    for await (const part of parts) {
      say(terminal, part);
      facts = { ...facts, ...part };
    }
  } catch (error) {
    throw error instanceof RebootlessError ? restated(error, { answer: facts }) : error;
  }
  terminal.result("inspect", facts);
}

function say(terminal: PublisherContext["terminal"], facts: Facts): void {
  for (const [name, value] of Object.entries(facts)) {
    const lines = typeof value === "string" ? [value] : value;
    for (const [index, line] of lines.entries())
      terminal.say(`${(index === 0 ? name : "").padEnd(13)} ${line}`);
  }
}

function kernelFacts(bytes: Uint8Array): Facts {
  const image = openKernelImage(bytes);
  const { release, buildId, banner } = image;
  const distribution = distributionOf(banner);
  return {
    kind: "kernel",
    release,
    build_id: buildId,
    ...(distribution !== undefined && { distribution }),
    banner,
  };
}

async function* moduleFacts(bytes: Uint8Array, options: InspectOptions): AsyncGenerator<Facts> {
  const plain = openModule(bytes);
  const isPatch = isLivepatch(plain);
  yield {
    kind: isPatch ? "livepatch module" : "module",
    ...(isPatch && { made_by: madeBy(plain) }),
    name: plain.name,
    build_id: plain.buildId,
    vermagic: plain.vermagic,
    signature: isSigned(bytes) ? "appended" : "none",
  };
  const { exports, livepatch, namespaces } = moduleNeeds(plain);
  yield {
    exports: exports.map(({ name, crc }) => (crc === undefined ? name : `${name} 0x${hex(crc)}`)),
    namespaces,
  };
  if (!isPatch) return;
  yield {
    livepatch_symbols: livepatch.map(({ object, name, position }) => symbolText(object, name, position)),
  };
  const module = readLivepatchModule(bytes);
  yield {
    replaces: module.objects.flatMap(({ object, functions }) =>
      functions.map(({ name, position }) => symbolText(object, name, position)),
    ),
    callbacks: module.objects.flatMap(({ object, callbacks }) =>
      callbacks.map((name) => `${object}/${name}`),
    ),
  };
  if (options.image === undefined) return;
  yield { fingerprints: await fingerprints(module, options.image, options.modules) };
}

const hex = (crc: number): string => crc.toString(16).padStart(8, "0");

/** Names a symbol as livepatch does in sysfs, with its position if the object has several symbols of the name. */
const symbolText = (object: string, name: string, position: number): string =>
  `${object}/${name}${position === 0 ? "" : `,${position}`}`;

/** Returns a line for each function that the module replaces, with the size and digest that its old code must have. */
async function fingerprints(
  module: LivepatchModule,
  image: string,
  modules: readonly string[],
): Promise<readonly string[]> {
  const changed = new Set<string>(module.objects.map(({ object }) => object));
  const kernel = await openWithModules(image, modules, (name) => changed.has(name));
  requireSameKernel(kernel.image, module);
  const objects = await Promise.all(module.objects.map((target) => targetObject(kernel, target)));
  return objects.flatMap(({ name: object, functions }) =>
    functions.map(({ name, size, sha256 }) => `${object}/${name} ${counted(size, "byte")} ${sha256}`),
  );
}
