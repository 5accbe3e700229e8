import type { ObjectName } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { FindModuleFile } from "../host/module_files.ts";

/**
 * Refuses an update if the file that modprobe would load one of its absent modules from is another build than the update
 * was made for. A module that is not loaded cannot be matched, and the kernel patches it by name as soon as it is loaded.
 *
 * @throws RebootlessError `runpre`.
 */
export async function requireRightModuleFiles(
  update: Update,
  absent: readonly ObjectName[],
  find: FindModuleFile,
): Promise<void> {
  for (const { name, buildId } of update.objects) {
    if (!absent.includes(name)) continue;
    const file = await find(name);
    if (!file || (buildId !== null && file.buildId === buildId)) continue;
    throw new RebootlessError(
      "runpre",
      `${file.path} is not the ${name} that ${update.id} was made for: its build ID is ${file.buildId ?? "missing"}`,
      {
        hint: "The package was updated while the old kernel is running, or the module is a vendor's own. Load the right one, or reboot into the new kernel.",
        details: { cause: "no_match", object: name, expected: buildId ?? "none" },
      },
    );
  }
}
