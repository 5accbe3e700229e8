import type { ObjectName } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { FindModuleFile } from "../host/module_files.ts";

/**
 * Objects that are not loaded cannot be matched, and the kernel patches them by name as soon as they are. Whatever
 * file modprobe would load them from must at least be the build that the update was made for. Throws `runpre`.
 */
export async function requireRightFiles(
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
        hint: "The package was updated while the old kernel runs, or the module is a vendor's own. Load the right one, or reboot into the new kernel.",
        details: { cause: "no_match", object: name, expected: buildId ?? "none" },
      },
    );
  }
}
