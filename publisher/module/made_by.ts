import type { ModuleObject } from "./module_file.ts";

/** What `create` writes into the module information of its modules, as the value of {@link CREATOR_KEY}. */
export const CREATOR = "rebootless-publish create";
/** The kernel does not know this key, and leaves it alone. */
export const CREATOR_KEY = "creator";

/** A tool that makes livepatch modules. */
export interface ModuleTool {
  readonly name: string;
  /** What a module of the tool has in it, for people. */
  readonly sign: string;
  made(module: ModuleObject): boolean;
}

const hasSection =
  (is: (name: string) => boolean) =>
  ({ sections }: ModuleObject): boolean =>
    sections.some(({ name }) => is(name));

/**
 * The tools, in the order in which they are tried. The later signs are in modules of the earlier tools too: all but
 * `create` have kbuild link the module.
 */
export const MODULE_TOOLS: readonly ModuleTool[] = [
  {
    name: CREATOR,
    sign: `\`${CREATOR_KEY}=${CREATOR}\` in \`.modinfo\``,
    made: ({ modinfo }) => modinfo.get(CREATOR_KEY)?.includes(CREATOR) ?? false,
  },
  {
    name: "kpatch-build",
    sign: "sections `.kpatch.*`",
    made: hasSection((name) => name.startsWith(".kpatch.")),
  },
  {
    name: "klp-build (Linux 6.19)",
    sign: "a section `__klp_objects`",
    made: hasSection((name) => name === "__klp_objects"),
  },
  {
    name: "klp-build (Linux 7)",
    sign: "a section `.init.klp_objects`",
    made: hasSection((name) => name === ".init.klp_objects"),
  },
  {
    name: "klp-convert",
    sign: "a `klp_patch` in C, and sections `.klp.rela.*`",
    made: hasSection((name) => name.startsWith(".klp.rela.")),
  },
  {
    name: "kbuild",
    sign: "a `klp_patch` in C: a section `.comment`, in which the compiler names itself",
    made: hasSection((name) => name === ".comment"),
  },
];

/** Returns the name of the tool that made a livepatch module, by what the file contains, or `not known`. */
export const madeBy = (module: ModuleObject): string =>
  MODULE_TOOLS.find(({ made }) => made(module))?.name ?? "not known";
