import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Kernel } from "../../support/guest/machine.ts";
import { writePatch } from "./edits.ts";
import { inRoot, type ToolRoot, TREE, toolRoot, WORK } from "./root_commands.ts";

const here = dirname(fileURLToPath(import.meta.url));
const progress = (text: string) => process.stderr.write(`${text}\n`);

/** The flags of klp-build: with others, all that it compiled would be compiled again. */
const SECTION_FLAGS = "KCFLAGS=-ffunction-sections -fdata-sections";
/** The module that the proof replaces a function of. */
export const SAMPLE = { file: "kobject-example.ko", name: "kobject_example" } as const;

/** The patch that the tools are given, and the folder of the kernel: paths in the root. */
export const PATCH = `${WORK}/rebootless-proof.patch`;
export const KEPT_KERNEL = `${WORK}/kernel`;

/** What tools/setup/tools.mjs wrote. */
interface Place {
  readonly folder: string;
  readonly series: string;
}

/** A root with the tools and a configured kernel source, in which modules are made. What is made is kept. */
export interface Workshop extends Place {
  readonly root: ToolRoot;
  /** Makes a module and keeps it, or returns the one that is kept. `make` returns its path in the root. */
  module(name: string, make: () => Promise<string>): Promise<string>;
}

/** @param file what tools/setup/tools.mjs wrote. */
export async function openWorkshop(file: string): Promise<Workshop> {
  const place: Place = JSON.parse(await readFile(file, "utf8"));
  const root = toolRoot(join(place.folder, "root"), join(place.folder, "build.log"));
  if (!existsSync(inRoot(root, PATCH))) {
    await copyFile(join(here, "kernel.config"), inRoot(root, `${WORK}/kernel.config`));
    await root.run(["make", `KCONFIG_ALLCONFIG=${WORK}/kernel.config`, "allnoconfig"]);
    await writePatch(inRoot(root, TREE), inRoot(root, PATCH));
  }
  const modules = join(place.folder, "modules");
  await mkdir(modules, { recursive: true });
  return {
    ...place,
    root,
    async module(name, make) {
      const target = join(modules, `${name}.ko`);
      if (existsSync(target)) return target;
      progress(`making ${name}`);
      await copyFile(inRoot(root, await make()), `${target}.tmp`);
      await rename(`${target}.tmp`, target);
      return target;
    },
  };
}

/** Returns the small kernel, built unless it is kept. Its folder has vmlinux and the configuration, too. */
export async function smallKernel({ root, series }: Workshop): Promise<Kernel> {
  const kept = inRoot(root, KEPT_KERNEL);
  if (!existsSync(kept)) await buildKernel(root, kept);
  return {
    version: (await readFile(inRoot(root, `${TREE}/include/config/kernel.release`), "utf8")).trim(),
    series,
    vmlinuz: join(kept, "bzImage"),
    modules: kept,
    hasModules: true,
    headers: undefined,
    role: "series",
  };
}

/**
 * Builds the small kernel, and keeps it apart from the tree, in which the tools build others. Where klp-build was there
 * first, its objects are used.
 */
async function buildKernel(root: ToolRoot, kept: string): Promise<void> {
  progress("building a small kernel");
  await root.run(["make", "-j2", SECTION_FLAGS, "bzImage", "modules"]);
  const temporary = `${kept}.tmp`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  const built = ["vmlinux", "arch/x86/boot/bzImage", ".config", `samples/kobject/${SAMPLE.file}`];
  for (const path of built)
    await copyFile(inRoot(root, `${TREE}/${path}`), join(temporary, basename(path).replace(/^\./, "")));
  await writeFile(join(temporary, "modules.dep"), `${SAMPLE.file}:\n`);
  await rename(temporary, kept);
}
