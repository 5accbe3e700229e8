import { type ObjectName, VMLINUX } from "../../../shared/brand.ts";
import { moduleDependencies } from "../../module/module_dependencies.ts";
import type { ShippedKernel } from "./shipped_kernel.ts";

/** Reports whether one object can be loaded only while another one is. */
export type RelyOn = (object: ObjectName, other: ObjectName) => boolean;

/**
 * Returns a function that follows the dependencies that the shipped modules name (`depends=` of .modinfo).
 * @throws ParseError.
 * @throws RebootlessError `limit`, `unsupported`.
 */
export function reliesOn({ module }: Pick<ShippedKernel, "module">): RelyOn {
  const known = new Map<ObjectName, readonly ObjectName[]>();
  const dependenciesOf = (name: ObjectName): readonly ObjectName[] => {
    const file = known.has(name) || name === VMLINUX ? undefined : module(name);
    if (file !== undefined) known.set(name, moduleDependencies(file));
    return known.get(name) ?? [];
  };
  return (object, other) => {
    if (other === VMLINUX) return true;
    const passed = new Set([object]);
    for (const name of passed) {
      if (name === other) return true;
      for (const one of dependenciesOf(name)) passed.add(one);
    }
    return false;
  };
}
