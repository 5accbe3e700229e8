import { type ObjectName, VMLINUX } from "../../../shared/brand.ts";
import type { Piece } from "../object/pieces.ts";
import type { PatchTarget } from "../patch_object.ts";
import { reliesOn } from "./dependencies.ts";
import { isSealedAt } from "./derived_tables.ts";
import type { UnitMatch } from "./runpre.ts";
import type { SharedNames } from "./shared_names.ts";
import type { ShippedKernel, ShippedObjects } from "./shipped_kernel.ts";
import type { ShippedObject } from "./shipped_object.ts";

/** A resolver that finds things in the kernel. It returns undefined for anything that cannot be named. */
export interface ReferenceResolver {
  /** Finds a symbol that the unit does not define. */
  symbol(name: string): PatchTarget | SharedTarget | undefined;
  /** Returns why a symbol cannot be found, as the end of a sentence. */
  absence(name: string): string;
  /** Finds a piece of the old unit in the running kernel. */
  piece(old: Piece): PatchTarget | undefined;
  /** Reports whether the kernel does not allow a function of the old unit to be called indirectly. */
  isSealed(old: Piece): boolean;
}

/** A new function or datum in another unit of the update, and the object of that unit. */
export interface SharedTarget {
  readonly kind: "shared";
  readonly name: string;
  readonly object: ObjectName;
}

export function referenceResolver(
  kernel: ShippedKernel,
  shipped: ShippedObjects,
  match: UnitMatch,
  shared: SharedNames,
): ReferenceResolver {
  // The kernel gives an export for named modules (EXPORT_SYMBOL_FOR_MODULES, "module:…") to no other module, but
  // livepatch finds it by its name.
  const exported = (name: string): PatchTarget | undefined => {
    const crc = kernel.crcs.get(name);
    const isForOthers = kernel.namespaces.get(name)?.startsWith("module:") ?? false;
    return crc === undefined || isForOthers ? undefined : { kind: "export", name, crc };
  };
  const { object } = shipped.own;
  const relyOn = reliesOn(kernel);
  const relies = (exporter: ObjectName): boolean => relyOn(object, exporter);
  const inModules = (name: string): PatchTarget | undefined => {
    const exporter = kernel.moduleExports.get(name);
    const module = exporter !== undefined && relies(exporter) ? shipped.module(exporter) : undefined;
    return module && named(module, name, undefined);
  };
  const own = (name: string): PatchTarget | undefined =>
    shipped.own === shipped.vmlinux ? undefined : named(shipped.own, name, match.symbols.get(name));
  return {
    symbol: (name) => {
      const definer = shared.used.get(name);
      if (definer === shipped.own.object || (definer !== undefined && own(name) === undefined))
        return { kind: "shared", name, object: definer };
      const address = shipped.own === shipped.vmlinux ? match.symbols.get(name) : undefined;
      return exported(name) ?? own(name) ?? named(shipped.vmlinux, name, address) ?? inModules(name);
    },
    absence: (name) => {
      const exporter = kernel.moduleExports.get(name);
      return exporter === undefined || relies(exporter)
        ? "a symbol that the kernel does not have"
        : `which the module ${exporter} exports, and ${object === VMLINUX ? "the kernel runs" : `${object} can be loaded`} without it`;
    },
    piece: (old) => {
      const address = match.addresses.get(old);
      for (const name of old.names) {
        const target =
          (old.isGlobal && shipped.own === shipped.vmlinux ? exported(name) : undefined) ??
          position(shipped.own, name, address);
        if (target !== undefined) return target;
      }
      return undefined;
    },
    isSealed: (old) => {
      const address = match.addresses.get(old);
      return address !== undefined && isSealedAt(shipped.own.derived, address);
    },
  };
}

/** Finds a global symbol, or the symbol of that name at a known address. */
function named(object: ShippedObject, name: string, address: bigint | undefined): PatchTarget | undefined {
  const all = object.named(name);
  const known = all.find((symbol) => symbol.address === address);
  const [only, ...others] = all.filter(({ isGlobal }) => isGlobal);
  const found = known ?? (others.length === 0 ? only : undefined);
  return found && position(object, name, found.address);
}

function position(object: ShippedObject, name: string, address: bigint | undefined): PatchTarget | undefined {
  const all = object.named(name);
  if (all.length === 0 || (all.length > 1 && address === undefined)) return undefined;
  const index = address === undefined ? 0 : all.findIndex((symbol) => symbol.address === address);
  if (index < 0) return undefined;
  return { kind: "livepatch", object: object.object, name, position: all.length === 1 ? 0 : index + 1 };
}
