import { equalBytes } from "../../shared/bytes.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { isBootPath, isImagePath, oneImage } from "./images.ts";
import type { KernelInput } from "./kernel_input.ts";
import { type ModuleFile, moduleName, readModule } from "./module_files.ts";

/** The largest size of a package unpacked, in bytes. The package of a whole generic kernel has 400 MB. */
export const MAX_PACKAGE_UNPACKED = 2 * 1024 ** 3;
/** The largest part of a package that is kept, in bytes: an image, and the modules asked for, still compressed. */
export const MAX_PACKAGE_KEPT = 1024 ** 3;

/** A function that is called with the path of each module file, and says whether the file is wanted. */
export type WantedPaths = (path: string) => boolean;

interface PackedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** What is kept of the files of a package, of whatever kind it is. Nothing is written to disk. */
export class PackageFiles {
  readonly #wants: WantedPaths | undefined;
  readonly #images: PackedFile[] = [];
  readonly #modules: ModuleFile[] = [];
  #kept = 0;

  /** @param wants undefined if no module is wanted. */
  constructor(wants: WantedPaths | undefined) {
    this.#wants = wants;
  }

  /** Reports whether everything that is wanted was found, and the folder of the kernel is over. */
  isComplete(path: string): boolean {
    const hasImage = this.#images.some((image) => isBootPath(image.path));
    return this.#wants === undefined && hasImage && !isBootPath(path);
  }

  /** Reports whether a file is to be kept. @throws RebootlessError `limit`. */
  isKept(path: string, size: number): boolean {
    if (!isImagePath(path) && !this.#wants?.(path)) return false;
    this.#kept += size;
    if (this.#kept > MAX_PACKAGE_KEPT)
      throw new RebootlessError("limit", `package: more than ${MAX_PACKAGE_KEPT} bytes to keep`);
    return true;
  }

  add(file: PackedFile): void {
    const name = moduleName(file.path);
    if (name !== undefined) this.#modules.push({ name, path: file.path, read: () => readModule(file.bytes) });
    else if (!this.#images.some(({ bytes }) => equalBytes(bytes, file.bytes))) this.#images.push(file);
  }

  /** Returns what was found. @throws RebootlessError `usage` if there are several kernels. */
  get found(): KernelInput {
    return { image: oneImage(this.#images, "the package")?.bytes, modules: this.#modules };
  }
}
