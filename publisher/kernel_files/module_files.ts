import { unpackModule } from "../../node/unpack.ts";
import { type ObjectName, objectName } from "../../shared/brand.ts";

/** A module file of a package or folder. Its name is the one by which the kernel knows the module. */
export interface ModuleFile {
  readonly name: ObjectName;
  /** The path of the file in its package or folder. */
  readonly path: string;
  /** Reads the uncompressed .ko. @throws ParseError, RebootlessError `limit` past MAX_MODULE_BYTES. */
  read(): Promise<Uint8Array>;
}

/**
 * The largest module, in bytes. The largest ones known, of graphics cards and with debug information, have 400 MB;
 * stripped ones have under 30 MB.
 */
export const MAX_MODULE_BYTES = 512 << 20;

/** Returns the name of the module that a path stands for (in it `-` becomes `_`), or undefined for other files. */
export function moduleName(path: string): ObjectName | undefined {
  const [, stem] = /(?:^|\/)([A-Za-z0-9_-]{1,55})\.ko(?:\.(?:xz|zst|gz))?$/.exec(path) ?? [];
  return stem === undefined ? undefined : objectName(stem.replaceAll("-", "_"));
}

/** Decompresses a module file, up to MAX_MODULE_BYTES. */
export const readModule = (bytes: Uint8Array): Promise<Uint8Array> => unpackModule(bytes, MAX_MODULE_BYTES);
