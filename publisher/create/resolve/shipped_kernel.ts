import { type ObjectName, VMLINUX } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import type { KernelImage } from "../../image/kernel_image.ts";
import { openCompiledObject } from "../object/compiled_object.ts";
import { type ShippedObject, shippedImage, shippedModule } from "./shipped_object.ts";

/** What references resolve to, and the shipped code that the compiled old code must equal. */
export interface ShippedKernel {
  readonly image: Pick<KernelImage, "memory" | "symbols">;
  /** Checksums of what vmlinux exports (Module.symvers of the headers package). */
  readonly crcs: ReadonlyMap<string, number>;
  /** Of those that it exports for the modules that import a name space: which. */
  readonly namespaces: ReadonlyMap<string, string>;
  /** What modules export: the module by the symbol. */
  readonly moduleExports: ReadonlyMap<string, ObjectName>;
  /** A module's .ko as shipped, unpacked. */
  module(name: ObjectName): Uint8Array | undefined;
}

/** The object that a unit belongs to, and the kernel. */
export interface ShippedObjects {
  readonly own: ShippedObject;
  readonly vmlinux: ShippedObject;
  /** Another module. */
  module(name: ObjectName): ShippedObject | undefined;
}

/** @throws ParseError, RebootlessError `usage` for a module that the kernel's package does not have. */
export function openShipped(object: ObjectName, kernel: ShippedKernel): ShippedObjects {
  const vmlinux = shippedImage(kernel.image, VMLINUX);
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
