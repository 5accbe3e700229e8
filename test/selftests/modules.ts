import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import type { GuestFile } from "../guest/initramfs.ts";
import { cacheDirectory, type Kernel } from "../guest/machine.ts";
import { headersOf, makeModules } from "../guest/modules/build.ts";

const execFileAsync = promisify(execFile);

/** Every source file in the folder is a module. */
const KBUILD = "obj-m := $(patsubst $(src)/%.c,%.o,$(wildcard $(src)/*.c))\n";
/** Of these the tests set `replace=1`. An update has no parameters: it is built with the value that it is to have. */
const REPLACING = ["test_klp_atomic_replace", "test_klp_callbacks_demo2"] as const;
const WITH_REPLACE = "\nstatic int replace = 1;\n";

/** The modules of the tests, built for a kernel. */
export interface TestModules {
  /** As they are, by name. */
  readonly plain: ReadonlyMap<string, string>;
  /** Built to replace all other patches, by name. */
  readonly replacing: ReadonlyMap<string, string>;
}

/** Builds what is in lib/livepatch of the kernel's source, outside of its tree; then takes it from the cache. */
export async function buildTestModules(kernel: Kernel, source: string): Promise<TestModules> {
  const sources = join(source, "lib/livepatch");
  const headers = headersOf(kernel);
  const key = createHash("sha256").update(`${source} ${KBUILD}${WITH_REPLACE}`);
  key.update(await readFile(join(headers, "Module.symvers")));
  const target = join(cacheDirectory, "selftests", `modules-${key.digest("hex").slice(0, 16)}`);
  if (!existsSync(target)) await build(headers, sources, target);
  return {
    plain: await modulesIn(join(target, "plain")),
    replacing: await modulesIn(join(target, "replacing")),
  };
}

async function build(headers: string, sources: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const directory = await mkdtemp(`${target}.tmp-`);
  try {
    await cp(sources, join(directory, "plain"), { recursive: true });
    await mkdir(join(directory, "replacing"));
    for (const name of REPLACING) {
      const text = await readFile(join(sources, `${name}.c`), "utf8");
      // A second, initialised definition of a static variable completes the first: C calls that one tentative.
      await writeFile(join(directory, "replacing", `${name}.c`), text + WITH_REPLACE);
    }
    for (const folder of ["plain", "replacing"]) {
      await rm(join(directory, folder, "Makefile"), { force: true });
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

/** The modules where modprobe looks for them, with the indexes that it reads. */
export async function installedModules(
  kernel: Kernel,
  modules: ReadonlyMap<string, string>,
): Promise<readonly GuestFile[]> {
  const root = await mkdtemp(join(cacheDirectory, "depmod-"));
  try {
    const folder = join("/lib/modules", kernel.version);
    const extra = join(folder, "extra");
    await mkdir(join(root, extra), { recursive: true });
    for (const [name, from] of modules) await copyFile(from, join(root, extra, `${name}.ko`));
    await execFileAsync("depmod", ["-b", root, kernel.version]);
    const indexes = (await readdir(join(root, folder))).filter((name) => name.startsWith("modules."));
    const files = [
      ...[...modules.keys()].map((name) => join(extra, `${name}.ko`)),
      ...indexes.map((name) => join(folder, name)),
    ];
    return await Promise.all(
      files.map(async (path) => ({ path, content: await readFile(join(root, path)) })),
    );
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
