import { type ObjectName, VMLINUX } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { openCompiledObject } from "../object/compiled_object.ts";
import { type ShippedObject, shippedModule } from "./shipped_object.ts";

/** The shipped kernel, to which references resolve, and whose code the compiled old code must equal. */
export interface ShippedKernel {
  readonly vmlinux: ShippedObject;
  /** The checksums of the symbols that vmlinux exports (Module.symvers of the headers package). */
  readonly crcs: ReadonlyMap<string, number>;
  /** The name space of each symbol that vmlinux exports only for modules which import that name space. */
  readonly namespaces: ReadonlyMap<string, string>;
  /** The module that exports a symbol, by the name of the symbol. */
  readonly moduleExports: ReadonlyMap<string, ObjectName>;
  /** Returns a module's .ko as shipped, unpacked. */
  module(name: ObjectName): Uint8Array | undefined;
}

/** The object that a unit belongs to, and the kernel. */
export interface ShippedObjects {
  readonly own: ShippedObject;
  readonly vmlinux: ShippedObject;
  /** Returns another module. */
  module(name: ObjectName): ShippedObject | undefined;
}

/**
 * Opens the kernel and the object that a unit belongs to.
 * @throws ParseError.
 * @throws RebootlessError `usage` for a module that the kernel's package does not have.
 */
export function openShipped(object: ObjectName, kernel: ShippedKernel): ShippedObjects {
  const { vmlinux } = kernel;
  const opened = new Map<ObjectName, ShippedObject | undefined>();
  const module = (name: ObjectName): ShippedObject | undefined => {
    const file = opened.has(name) ? undefined : kernel.module(name);
    if (file !== undefined) opened.set(name, shippedModule(openCompiledObject(file), name));
    return opened.get(name);
  };
  if (object === VMLINUX) return { own: vmlinux, vmlinux, module };
  const file = kernel.module(object);
  if (file === undefined) {
    throw new RebootlessError("usage", `the kernel's package has no module ${object}`, {
      hint: "Give the image's package, or a folder that has lib/modules beside it.",
    });
  }
  return { own: shippedModule(openCompiledObject(file), object), vmlinux, module };
}
