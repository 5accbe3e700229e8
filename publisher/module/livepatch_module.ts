import type { BuildId, ObjectName } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { patchObjects } from "./klp_structs.ts";
import { type ModuleObject, openModule } from "./module_file.ts";
import { openObjectFile } from "./object_file.ts";
import { type LivepatchObject, requireDistinct } from "./target_objects.ts";
import { tableObjects } from "./tool_structs.ts";

/** The facts about a livepatch module that its file states. */
export interface LivepatchModule {
  readonly name: ObjectName;
  /** The kernel release and options that the module loader compares. */
  readonly vermagic: string;
  readonly buildId: BuildId;
  /** The objects with the functions that the module replaces, in the order of the module. */
  readonly objects: readonly LivepatchObject[];
}

/**
 * Reads a livepatch module.
 * @param bytes a .ko as kbuild makes it, not compressed.
 * @throws ParseError; RebootlessError `unsupported` if it is not a livepatch module, `limit`.
 */
export function readLivepatchModule(bytes: Uint8Array): LivepatchModule {
  const module = openModule(bytes);
  const { name, vermagic, buildId } = module;
  requireLivepatch(module);
  const file = openObjectFile(bytes);
  return { name, vermagic, buildId, objects: requireDistinct(tableObjects(file) ?? patchObjects(file)) };
}

/** Returns true for a module that says livepatch=Y. The kernel gives livepatch rights only to such modules. */
export const isLivepatch = ({ modinfo }: ModuleObject): boolean =>
  modinfo.get("livepatch")?.some((value) => value === "Y") ?? false;

function requireLivepatch(module: ModuleObject): void {
  if (isLivepatch(module)) return;
  const { name } = module;
  throw new RebootlessError("unsupported", `${name} is not a livepatch module`, {
    hint: 'Its source needs MODULE_INFO(livepatch, "Y"); modinfo shows it as "livepatch: Y".',
    details: { name },
  });
}
