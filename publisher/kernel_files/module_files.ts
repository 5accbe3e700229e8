import { unpackModule } from "../../node/unpack.ts";
import { type ObjectName, objectName } from "../../shared/brand.ts";

/** A module file of a package, whose name is the one that the kernel knows it by. */
export interface ModuleFile {
  readonly name: ObjectName;
  /** In its package or folder. */
  readonly path: string;
  /** The .ko, unpacked. @throws ParseError; RebootlessError `limit` past MAX_MODULE_BYTES. */
  read(): Promise<Uint8Array>;
}

/** The largest modules, of graphics cards with debug information, have 400 MB; stripped ones under 30. */
export const MAX_MODULE_BYTES = 512 << 20;

/** The module that a path names (`-` and `_` are one in the kernel), undefined for other files. */
export function moduleName(path: string): ObjectName | undefined {
  const [, stem] = /(?:^|\/)([A-Za-z0-9_-]{1,55})\.ko(?:\.(?:xz|zst|gz))?$/.exec(path) ?? [];
  return stem === undefined ? undefined : objectName(stem.replaceAll("-", "_"));
}

/** Unpacks a module file, up to MAX_MODULE_BYTES. */
export const readModule = (bytes: Uint8Array): Promise<Uint8Array> => unpackModule(bytes, MAX_MODULE_BYTES);
