import type { ObjectName } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type KernelImage, openKernelImage } from "../image/kernel_image.ts";
import { openImageInput, openInput, type WantedModules } from "../kernel_files/input.ts";
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

/** The modules of a kernel that are wanted. They are looked for when the first of them is asked for. */
export interface WantedFiles {
  /** Where they are looked for. */
  readonly paths: readonly string[];
  all(): Promise<readonly ModuleFile[]>;
  find(name: ObjectName): Promise<ModuleFile | undefined>;
}

/** A kernel and some of its modules. */
export interface KernelAndModules {
  readonly image: KernelImage;
  /** The bytes of the image, as it was found: a boot image or a vmlinux. */
  readonly file: Uint8Array;
  readonly modules: WantedFiles;
  link(file: ModuleFile): Promise<LinkedModule>;
}

/**
 * Opens a kernel and the wanted modules.
 * @param modulePaths packages, folders or module files. If there are none, the modules are those that come with the image.
 * @param read reads the bytes of the image at a path.
 * @throws RebootlessError as `openKernelInput`.
 */
export async function openWithModules(
  path: string,
  modulePaths: readonly string[],
  wanted: WantedModules,
  read: (path: string) => Promise<Uint8Array> = openImageInput,
): Promise<KernelAndModules> {
  const file = await read(path);
  const image = openKernelImage(file);
  const link = moduleLinker(image);
  return {
    image,
    file,
    modules: wantedFiles(modulePaths.length > 0 ? modulePaths : [path], wanted),
    link: async (file) => {
      const module = openModule(await file.read());
      if (module.name === file.name) return link(module);
      throw new RebootlessError("usage", `the file ${file.path} contains the module ${module.name}`, {
        hint: "The kernel finds a module by the name of its file. Rename the file to its original name.",
      });
    },
  };
}

/** Returns the modules in packages, folders and files. Of two of the same name, the later one counts. */
function wantedFiles(paths: readonly string[], wanted: WantedModules): WantedFiles {
  let looked: Promise<ReadonlyMap<ObjectName, ModuleFile>> | undefined;
  const look = async (): Promise<ReadonlyMap<ObjectName, ModuleFile>> => {
    const files = new Map<ObjectName, ModuleFile>();
    for (const path of paths)
      for (const file of (await openInput(path, wanted)).modules) files.set(file.name, file);
    return files;
  };
  const files = (): Promise<ReadonlyMap<ObjectName, ModuleFile>> => {
    looked ??= look();
    return looked;
  };
  return {
    paths,
    all: async () => [...(await files()).values()],
    find: async (name) => (await files()).get(name),
  };
}
