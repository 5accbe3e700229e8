import { type ObjectName, VMLINUX } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { TargetObject } from "../../shared/feed/update.ts";
import { fingerprintFunction } from "../fingerprint/kernel_function.ts";
import { fingerprintModuleFunction } from "../fingerprint/module_function.ts";
import { usedLayout } from "../fingerprint/used_layout.ts";
import type { KernelImage } from "../image/kernel_image.ts";
import type { LivepatchModule } from "../module/livepatch_module.ts";
import type { ReplacedFunction } from "../module/target_objects.ts";
import type { KernelAndModules } from "./kernel_input.ts";

/**
 * Fingerprints the functions that an update replaces in one object.
 * @throws RebootlessError `usage` if the object is a module that the kernel does not have, or whose file was not given.
 */
export async function targetObject(
  { image, modules, link }: KernelAndModules,
  { object: name, functions }: LivepatchModule["objects"][number],
): Promise<TargetObject> {
  if (name === VMLINUX) {
    const fingerprints = functions.map((fn) => fingerprintFunction(image, fn));
    return { name, buildId: null, layout: null, functions: fingerprints };
  }
  const file = await modules.find(name);
  if (file === undefined) throw absentObject(image, modules.paths, { name, functions });
  const module = await link(file);
  const { layout, functions: fingerprints } = usedLayout({
    layout: module.layout,
    functions: functions.map((fn) => fingerprintModuleFunction(module, image.linkedText, fn)),
  });
  return { name, buildId: module.buildId, layout, functions: fingerprints };
}

/**
 * An object that is not there. A kernel loads such a patch without a complaint and waits for a module of that name: until
 * one comes, which may be never, nothing is replaced.
 */
function absentObject(
  image: KernelImage,
  paths: readonly string[],
  { name, functions }: { readonly name: ObjectName; readonly functions: readonly ReplacedFunction[] },
): RebootlessError {
  const isBuiltIn = functions.length > 0 && functions.every((fn) => image.symbols.named(fn.name).length > 0);
  return new RebootlessError(
    "usage",
    `the patch would do nothing in its object ${name}: there is no module of that name in ${paths.join(", ")}`,
    {
      hint: isBuiltIn
        ? "The kernel itself has functions of these names: what is built in belongs to the object vmlinux."
        : `Give --modules with ${name}.ko, or with a folder or package that contains it.`,
      details: { module: name },
    },
  );
}
