import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { EDITS, MARK } from "./edits.ts";
import { inRoot, type ToolRoot, TREE, WORK } from "./root_commands.ts";
import { KEPT_KERNEL, PATCH, SAMPLE, type Workshop } from "./workshop.ts";

const here = dirname(fileURLToPath(import.meta.url));

/** A way to a livepatch module. All of them replace the same two functions. */
export interface Recipe {
  /** The module's name. */
  readonly name: string;
  /** Who made it, as `inspect` has to say. */
  readonly tool: RegExp;
  /** True for a module that the kernel loads without a complaint, and that leaves the sample module as it is. */
  readonly isIdle: boolean;
  /** Returns the path of the module in the root. */
  make(workshop: Workshop): Promise<string>;
}

/** The one that compiles a whole kernel itself. */
export const KLP_BUILD: Recipe = { name: "of_klp_build", tool: /^klp-build /, isIdle: false, make: klpBuild };

/** Those that want a kernel that is built. */
export const OTHERS: readonly Recipe[] = [
  byHand("by_hand", SAMPLE.name, false),
  { name: "of_kpatch_build", tool: /^kpatch-build$/, isIdle: false, make: kpatchBuild },
  byHand("by_hand_idle", SAMPLE.file, true),
];

/** A module that kbuild makes of C source. @param object how the source names the sample module. */
function byHand(name: string, object: string, isIdle: boolean): Recipe {
  return { name, tool: /^kbuild$/, isIdle, make: ({ root }) => buildByHand(root, name, object) };
}

async function buildByHand(root: ToolRoot, name: string, object: string): Promise<string> {
  const folder = `${WORK}/${name}`;
  await mkdir(inRoot(root, folder), { recursive: true });
  await copyFile(join(here, "by_hand.c"), inRoot(root, `${folder}/${name}.c`));
  const flags = `ccflags-y := -include $(src)/names.h\n`;
  await writeFile(inRoot(root, `${folder}/Kbuild`), `obj-m := ${name}.o\n${flags}`);
  const names = `#define OBJECT ${JSON.stringify(object)}\n#define MARK ${JSON.stringify(MARK)}\n`;
  await writeFile(inRoot(root, `${folder}/names.h`), names);
  await root.run(["make", `M=${folder}`, "modules"]);
  return `${folder}/${name}.ko`;
}

/**
 * Only what the patch changes is compiled, twice: kpatch-build compares single objects. A kernel with CONFIG_KLP_BUILD has
 * objtool run on the linked module (scripts/Makefile.lib, Linux 7.3), which then refuses what kpatch-build 0.9.10 has linked.
 * So it is run on each object, as for the kernels that this version knows.
 */
async function kpatchBuild({ root }: Workshop): Promise<string> {
  const kernel = [
    "--sourcedir",
    TREE,
    "--config",
    `${KEPT_KERNEL}/config`,
    "--vmlinux",
    `${KEPT_KERNEL}/vmlinux`,
  ];
  const targets = EDITS.flatMap(({ path }) => [
    "--target",
    path.replace(/\.c$/, path.startsWith("samples/") ? ".ko" : ".o"),
  ]);
  const output = ["--name", "of_kpatch_build", "--output", WORK];
  const eachObject = ["env", "MAKEFLAGS=delay-objtool="];
  await root.run([...eachObject, "kpatch-build", "--jobs", "2", ...kernel, ...targets, ...output, PATCH]);
  return `${WORK}/of_kpatch_build.ko`;
}

/** The whole kernel is compiled, and once more what the patch changes. */
async function klpBuild({ root }: Workshop): Promise<string> {
  const output = `${WORK}/of_klp_build.ko`;
  await root.run(["scripts/livepatch/klp-build", "--jobs", "2", "--output", output, PATCH]);
  return output;
}
