import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { cacheDirectory, type Kernel } from "../../support/guest/machine.ts";
import { headersOf, makeModules } from "../../support/guest/modules/build.ts";

/** Every source file in the folder is a module. */
const KBUILD = "obj-m := $(patsubst $(src)/%.c,%.o,$(wildcard $(src)/*.c))\n";

/** What the scripts load with a parameter that is not the default. */
export interface Variant {
  readonly name: string;
  readonly parameters: string;
}

/**
 * An update has no parameters, so these are built with the value that they are to have. C calls the variable's first
 * definition, which has no value, tentative; one with a value may follow and completes it.
 */
const VARIANTS: readonly (Variant & { readonly definition: string })[] = [
  { name: "test_klp_atomic_replace", parameters: "replace=1", definition: "static int replace = 1;" },
  { name: "test_klp_callbacks_demo2", parameters: "replace=1", definition: "static int replace = 1;" },
  {
    name: "test_klp_callbacks_demo",
    parameters: "pre_patch_ret=-19",
    definition: "static int pre_patch_ret = -19;",
  },
];

const variantFolder = (index: number): string => `variant-${index}`;

/** The modules of the tests, built for a kernel. */
export interface TestModules {
  /** Paths of the modules as they are, by name. */
  readonly plain: ReadonlyMap<string, string>;
  /** Paths of those with a parameter built in. */
  readonly variants: readonly (Variant & { readonly path: string })[];
}

/** Builds what is in lib/livepatch of the kernel's source, outside of its tree; then takes it from the cache. */
export async function buildTestModules(kernel: Kernel, source: string): Promise<TestModules> {
  const headers = headersOf(kernel);
  const key = createHash("sha256").update(`${source} ${KBUILD} ${JSON.stringify(VARIANTS)}`);
  key.update(await readFile(join(headers, "Module.symvers")));
  const target = join(cacheDirectory, "selftests", `modules-${key.digest("hex").slice(0, 16)}`);
  if (!existsSync(target)) await buildAll(headers, join(source, "lib/livepatch"), target);
  return {
    plain: await modulesIn(join(target, "plain")),
    variants: VARIANTS.map(({ name, parameters }, index) => ({
      name,
      parameters,
      path: join(target, variantFolder(index), `${name}.ko`),
    })),
  };
}

async function buildAll(headers: string, sources: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const directory = await mkdtemp(`${target}.tmp-`);
  try {
    await cp(sources, join(directory, "plain"), { recursive: true });
    await rm(join(directory, "plain", "Makefile"));
    for (const [index, { name, definition }] of VARIANTS.entries()) {
      const text = await readFile(join(sources, `${name}.c`), "utf8");
      const folder = join(directory, variantFolder(index));
      await mkdir(folder);
      await writeFile(join(folder, `${name}.c`), `${text}\n${definition}\n`);
    }
    for (const folder of await readdir(directory)) {
      await writeFile(join(directory, folder, "Kbuild"), KBUILD);
      await makeModules(headers, join(directory, folder));
    }
    await rename(directory, target);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function modulesIn(folder: string): Promise<ReadonlyMap<string, string>> {
  const files = (await readdir(folder)).filter((name) => name.endsWith(".ko"));
  return new Map(files.map((name) => [basename(name, ".ko"), join(folder, name)]));
}
