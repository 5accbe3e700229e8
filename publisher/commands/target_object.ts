import { VMLINUX } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { TargetObject } from "../../shared/feed/update.ts";
import { fingerprintFunction } from "../fingerprint/kernel_function.ts";
import { fingerprintModuleFunction } from "../fingerprint/module_function.ts";
import { usedLayout } from "../fingerprint/used_layout.ts";
import type { LivepatchModule } from "../module/livepatch_module.ts";
import type { KernelAndModules } from "./kernel_input.ts";

/**
 * Fingerprints the functions that an update replaces in one object.
 * @throws RebootlessError `usage` if the object is a module whose file was not given.
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
  if (file === undefined) {
    throw new RebootlessError("usage", `the patch replaces functions of ${name}, whose file is missing`, {
      hint: `Give --modules with ${name}.ko, or with a folder or package that contains it.`,
      details: { module: name },
    });
  }
  const module = await link(file);
  const { layout, functions: fingerprints } = usedLayout({
    layout: module.layout,
    functions: functions.map((fn) => fingerprintModuleFunction(module, image.linkedText, fn)),
  });
  return { name, buildId: module.buildId, layout, functions: fingerprints };
}
