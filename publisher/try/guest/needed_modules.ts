import type { ObjectName } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import type { ModuleFile } from "../../kernel_files/module_files.ts";
import { moduleDependencies } from "../../module/module_dependencies.ts";

/** The largest number of modules that a guest loads. A module with much below it (of a network card) needs some 20. */
const MAX_NEEDED = 512;

/**
 * Reads modules and what they need.
 * @param files the modules that the kernel has. A wanted module that is not among them is left out: it may be built in.
 * @returns the uncompressed modules by their names, in the order in which they must be loaded.
 * @throws RebootlessError `limit`.
 * @throws ParseError.
 */
export async function neededModules(
  files: readonly ModuleFile[],
  wanted: readonly string[],
): Promise<ReadonlyMap<ObjectName, Uint8Array>> {
  const known = new Map<string, ModuleFile>(files.map((file) => [file.name, file]));
  const seen = new Set<string>();
  const inOrder = new Map<ObjectName, Uint8Array>();
  const add = async (name: string): Promise<void> => {
    const file = known.get(name);
    if (file === undefined || seen.has(name)) return;
    seen.add(name);
    if (seen.size > MAX_NEEDED)
      throw new RebootlessError("limit", `more than ${MAX_NEEDED} modules are needed`);
    const bytes = await file.read();
    for (const needed of moduleDependencies(bytes)) await add(needed);
    inOrder.set(file.name, bytes);
  };
  for (const name of wanted) await add(name);
  return inOrder;
}
