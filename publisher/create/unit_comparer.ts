import { type ObjectName, objectName, VMLINUX } from "../../shared/brand.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import type { KernelImage } from "../image/kernel_image.ts";
import type { ModuleFile } from "../kernel_files/module_files.ts";
import { differentiate, type UnitDifference } from "./difference.ts";
import type { PatchObject } from "./patch_object.ts";
import { reliesOn } from "./resolve/dependencies.ts";
import { type JoinOutcome, joinPatches, type UnitPatch } from "./resolve/join_patches.ts";
import type { SharedNames } from "./resolve/shared_names.ts";
import type { ShippedKernel } from "./resolve/shipped_kernel.ts";
import { shippedImage } from "./resolve/shipped_object.ts";
import type { UnitPair } from "./unit_pair.ts";
import { wholeUnit } from "./whole_unit.ts";

/** The most symbols that are read. Kernels export some 20,000 symbols, and their modules as many. */
const MAX_SYMBOLS = 200_000;

/**
 * The content of Module.symvers: the checksums of the kernel's exports, and the module that exports each
 * symbol.
 */
export interface SymbolVersions {
  readonly crcs: ReadonlyMap<string, number>;
  readonly namespaces: ReadonlyMap<string, string>;
  readonly moduleExports: ReadonlyMap<string, ObjectName>;
}

const LINE = /^0x([0-9a-f]{8})\t([\w.]+)\t([\w./-]+)\t\w+(?:\t([^\t]*))?$/;

/**
 * Reads lines of `0xCRC<TAB>symbol<TAB>vmlinux or module's path<TAB>EXPORT_SYMBOL…<TAB>namespace`.
 * @throws ParseError.
 * @throws RebootlessError `limit`.
 */
export function parseSymvers(text: string): SymbolVersions {
  const crcs = new Map<string, number>();
  const namespaces = new Map<string, string>();
  const moduleExports = new Map<string, ObjectName>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, crc, symbol, from, namespace = ""] = LINE.exec(line) ?? [];
    if (crc === undefined || symbol === undefined || from === undefined)
      throw new ParseError(`Module.symvers: a line in another format: ${JSON.stringify(line.slice(0, 80))}`);
    if (from === "vmlinux") {
      crcs.set(symbol, Number.parseInt(crc, 16));
      if (namespace !== "") namespaces.set(symbol, namespace);
    } else moduleExports.set(symbol, objectName((from.split("/").at(-1) ?? "").replaceAll("-", "_")));
    if (crcs.size + moduleExports.size > MAX_SYMBOLS)
      throw new RebootlessError("limit", `Module.symvers: more than ${MAX_SYMBOLS} symbols`);
  }
  return { crcs, namespaces, moduleExports };
}

/** A comparer of units with a kernel, whose modules are read when they are needed. */
export interface UnitComparer {
  readonly versions: SymbolVersions;
  /** Does the same as `differentiate`. */
  compare(pair: UnitPair, shared: SharedNames): Promise<UnitDifference>;
  /** Does the same as `joinPatches`. */
  join(parts: readonly UnitPatch[]): Promise<JoinOutcome>;
  /** Does the same as `wholeUnit`. */
  whole(file: Uint8Array, source: string, object: ObjectName): Promise<PatchObject>;
}

/** The modules of the kernel, which are looked for only when one is asked for. */
export interface FoundModules {
  find(name: ObjectName): Promise<Pick<ModuleFile, "read"> | undefined>;
}

export function unitComparer(image: KernelImage, symvers: string, files: FoundModules): UnitComparer {
  const versions = parseSymvers(symvers);
  const read = new Map<ObjectName, Uint8Array | undefined>();
  const missed = new Set<ObjectName>();
  const kernel: ShippedKernel = {
    vmlinux: shippedImage(image, VMLINUX),
    ...versions,
    module: (name) => {
      if (!read.has(name)) missed.add(name);
      return read.get(name);
    },
  };
  // A module is requested where a reference leads to it. The modules that were missing are read, and the unit
  // is compared again.
  const withModules = async <T>(look: () => T): Promise<T> => {
    for (;;) {
      const outcome = attempt(look);
      if (missed.size === 0) return outcome();
      for (const name of missed) read.set(name, await (await files.find(name))?.read());
      missed.clear();
    }
  };
  return {
    versions,
    join: (parts) => withModules(() => joinPatches(parts, reliesOn(kernel))),
    compare: (pair, shared) => withModules(() => differentiate(pair, kernel, shared)),
    whole: (file, source, object) => withModules(() => wholeUnit(file, source, object, kernel)),
  };
}

/** Makes a call and keeps its outcome for later: the value, or the error that it threw. */
function attempt<T>(call: () => T): () => T {
  try {
    const value = call();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}
