import type { ObjectName } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type KernelImage, openKernelImage } from "../image/kernel_image.ts";
import { openImageInput, openInput, requireImage, type WantedModules } from "../kernel_files/input.ts";
import type { ModuleFile } from "../kernel_files/module_files.ts";
import { type LinkedModule, moduleLinker } from "../module/link/linked_module.ts";
import { openModule } from "../module/module_file.ts";

/**
 * Opens the kernel at a path, which may be an image, a package or a folder.
 * @throws RebootlessError `usage`, `limit`, and as `openKernelImage`.
 */
export async function openKernelInput(path: string): Promise<KernelImage> {
  return openKernelImage(await openImageInput(path));
}

/** A kernel and some of its modules. */
export interface KernelAndModules {
  readonly image: KernelImage;
  /** The modules by their names. */
  readonly modules: ReadonlyMap<ObjectName, ModuleFile>;
  link(file: ModuleFile): Promise<LinkedModule>;
}

/**
 * Opens a kernel and the wanted modules.
 * @param modulePaths packages, folders or module files. If there are none, the modules are those that come with the image.
 * @throws RebootlessError as `openKernelInput`.
 */
export async function openWithModules(
  path: string,
  modulePaths: readonly string[],
  wanted: WantedModules,
): Promise<KernelAndModules> {
  const input = await openInput(path, modulePaths.length > 0 ? () => false : wanted);
  const image = openKernelImage(requireImage(input, path));
  const modules = new Map<ObjectName, ModuleFile>();
  for (const file of input.modules) modules.set(file.name, file);
  for (const from of modulePaths) {
    for (const file of (await openInput(from, wanted)).modules) modules.set(file.name, file);
  }
  const link = moduleLinker(image);
  return {
    image,
    modules,
    link: async (file) => {
      const module = openModule(await file.read());
      if (module.name === file.name) return link(module);
      throw new RebootlessError("usage", `the file ${file.path} contains the module ${module.name}`, {
        hint: "The kernel finds a module by the name of its file. Rename the file to its original name.",
      });
    },
  };
}
