import { type BuildId, type ObjectName, VMLINUX } from "../../shared/brand.ts";
import { SECTION_NUMBER } from "../../shared/elf/sections.ts";
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
 * @throws ParseError; RebootlessError `unsupported` if it is not a livepatch module or would do nothing, `limit`.
 */
export function readLivepatchModule(bytes: Uint8Array): LivepatchModule {
  const module = openModule(bytes);
  const { name, vermagic, buildId } = module;
  requireLivepatch(module);
  const file = openObjectFile(bytes);
  const objects = requireDistinct(tableObjects(file) ?? patchObjects(file));
  requireEffect(module, objects);
  requireRelocated(module, objects);
  return { name, vermagic, buildId, objects };
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

/** The function of the kernel that a module has to call so that its functions are replaced. */
const ENABLE = "klp_enable_patch";

/** Refuses a module that would be loaded without a complaint, and do nothing. */
function requireEffect(module: ModuleObject, objects: readonly LivepatchObject[]): void {
  const { name } = module;
  if (objects.every(({ functions, callbacks }) => functions.length + callbacks.length === 0))
    throw new RebootlessError("unsupported", `${name} would do nothing: it replaces no function`, {
      hint: "It has no callbacks either. See that its patch was made from the source that it is for.",
      details: { name },
    });
  if (module.symbols.some((symbol) => symbol.name === ENABLE && symbol.section === SECTION_NUMBER.undefined))
    return;
  throw new RebootlessError("unsupported", `${name} would do nothing: it does not call ${ENABLE}`, {
    hint: `Its init function has to end with \`return ${ENABLE}(&patch);\`.`,
    details: { name },
  });
}

/**
 * Refuses livepatch relocations of an object that is not the kernel and that the module does not patch. They are applied
 * for the objects of a patch alone (klp_init_object_loaded in kernel/livepatch/core.c), and nothing says that they were
 * not: the module's code would run without the addresses.
 */
function requireRelocated({ name, sections }: ModuleObject, objects: readonly LivepatchObject[]): void {
  const applied = new Set<string>([VMLINUX, ...objects.map(({ object }) => object)]);
  const forgotten = sections
    .map((section) => /^\.klp\.rela\.([^.]*)/.exec(section.name)?.[1])
    .find((object) => object !== undefined && !applied.has(object));
  if (forgotten === undefined) return;
  throw new RebootlessError(
    "unsupported",
    `${name} has relocations for the object ${forgotten}, which it does not patch: they would never be applied`,
    {
      hint: `Name ${forgotten} in an object of the patch, which may be one without functions.`,
      details: { name },
    },
  );
}
