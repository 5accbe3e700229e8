import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { EDITS, MARK } from "./edits.ts";
import { inRoot, TREE, WORK } from "./root_commands.ts";
import { KEPT_KERNEL, PATCH, SAMPLE, type Workshop } from "./workshop.ts";

const here = dirname(fileURLToPath(import.meta.url));

/** A way to a livepatch module. All of them replace the same two functions. */
export interface Recipe {
  /** The module's name. */
  readonly name: string;
  /** Who made it, as `inspect` has to say. */
  readonly tool: RegExp;
  /** Returns the path of the module in the root. */
  make(workshop: Workshop): Promise<string>;
}

/** A module that is loaded without a complaint, and that leaves the function of the sample module as it is. */
export const IDLE: Recipe = {
  name: "by_hand_idle",
  tool: /^kbuild$/,
  make: (workshop) => byHand(workshop, "by_hand_idle", SAMPLE.file),
};

export const RECIPES: readonly Recipe[] = [
  { name: "by_hand", tool: /^kbuild$/, make: (workshop) => byHand(workshop, "by_hand", SAMPLE.name) },
  { name: "of_kpatch_build", tool: /^kpatch-build$/, make: kpatchBuild },
  { name: "of_klp_build", tool: /^klp-build /, make: klpBuild },
];

/** Builds a module from C source with kbuild. */
async function byHand({ root }: Workshop, name: string, object: string): Promise<string> {
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

/** Only what the patch changes is compiled, twice: kpatch-build compares single objects. */
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
  await root.run(["kpatch-build", "--jobs", "2", ...kernel, ...targets, ...output, PATCH]);
  return `${WORK}/of_kpatch_build.ko`;
}

/** The whole kernel is compiled, and once more what the patch changes. */
async function klpBuild({ root }: Workshop): Promise<string> {
  const output = `${WORK}/of_klp_build.ko`;
  await root.run(["scripts/livepatch/klp-build", "--jobs", "2", "--output", output, PATCH]);
  return output;
}
