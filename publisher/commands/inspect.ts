import type { Context } from "../context.ts";
import { openKernelImage } from "../image/kernel_image.ts";
import { isLivepatch, readLivepatchModule } from "../module/livepatch_module.ts";
import { openModule } from "../module/module_file.ts";
import { openInput, requireImage } from "../package/input.ts";

/** Says what a file is: a kernel, by its build ID, or a module, a live patch by what it replaces. */
export async function inspect({ terminal }: Context, path: string): Promise<void> {
  const input = await openInput(path);
  const [module] = input.modules;
  const facts = module ? moduleFacts(await module.read()) : kernelFacts(requireImage(input, path));
  for (const [name, value] of Object.entries(facts)) terminal.say(`${name.padEnd(13)} ${value}`);
  terminal.result("inspect", facts);
}

function kernelFacts(bytes: Uint8Array) {
  const image = openKernelImage(bytes);
  return { kind: "kernel", release: image.release, build_id: image.buildId, banner: image.banner };
}

function moduleFacts(bytes: Uint8Array) {
  const plain = openModule(bytes);
  const facts = { name: plain.name, build_id: plain.buildId, vermagic: plain.vermagic };
  if (!isLivepatch(plain)) return { kind: "module", ...facts };
  const module = readLivepatchModule(bytes);
  const replaces = module.objects.flatMap(({ object, functions }) =>
    functions.map((fn) => `${object}/${fn.name}`),
  );
  return { kind: "livepatch module", ...facts, replaces: replaces.join(" ") };
}
