import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RebootlessError } from "../../../../shared/errors.ts";
import { cacheDirectory, type Kernel } from "../machine.ts";

const execFileAsync = promisify(execFile);
const sources = dirname(fileURLToPath(import.meta.url));

/** Modules whose sources are here, one file each. */
export type ModuleName =
  | "rebootless_demo_cmdline"
  | "rebootless_demo_version"
  | "rebootless_patch_all"
  | "rebootless_patch_base"
  | "rebootless_patch_hold"
  | "rebootless_patch_join"
  | "rebootless_patch_left"
  | "rebootless_patch_missing"
  | "rebootless_patch_right"
  | "rebootless_patch_state"
  | "rebootless_patch_stay"
  | "rebootless_patch_unwilling"
  | "rebootless_probe"
  | "rebootless_target_a"
  | "rebootless_target_b"
  | "rebootless_target_hold"
  | "rebootless_test_probes";

/** `other`: a target as it would be after its vendor's next release. */
export type ModuleVariant = "first" | "other";

const BUILD_TIMEOUT_MS = 300_000;

const sharedHeaders = async (): Promise<readonly string[]> =>
  (await readdir(sources)).filter((name) => name.endsWith(".h"));

/** What the module is made of: its source, what it includes and the exact build of the kernel's headers. */
async function cacheKey(source: string, headers: string, variant: ModuleVariant): Promise<string> {
  const hash = createHash("sha256").update(variant);
  const included = (await sharedHeaders()).map((name) => join(sources, name));
  for (const path of [source, ...included, join(headers, "Module.symvers"), join(headers, ".config")]) {
    hash.update(await readFile(path));
  }
  return hash.digest("hex").slice(0, 16);
}

/** The kernel's build system over a folder with a Kbuild file. Throws `io` with the compiler's words. */
export async function makeModules(headers: string, directory: string): Promise<void> {
  const options = { timeout: BUILD_TIMEOUT_MS, maxBuffer: 16 << 20 };
  try {
    await execFileAsync("make", ["-C", headers, `M=${directory}`, "modules"], options);
  } catch (cause) {
    const output = cause instanceof Error && "stderr" in cause ? String(cause.stderr) : "";
    throw new RebootlessError("io", `the kernel's build system failed\n${output.slice(-4000)}`, { cause });
  }
}

async function build(
  headers: string,
  name: ModuleName,
  variant: ModuleVariant,
  target: string,
): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const directory = await mkdtemp(join(dirname(target), `${name}.tmp-`));
  try {
    for (const file of [`${name}.c`, ...(await sharedHeaders())]) {
      await copyFile(join(sources, file), join(directory, file));
    }
    const flags = variant === "other" ? "ccflags-y := -DREBOOTLESS_OTHER_BUILD\n" : "";
    await writeFile(join(directory, "Kbuild"), `obj-m := ${name}.o\n${flags}`);
    await makeModules(headers, directory);
    await rename(join(directory, `${name}.ko`), target);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Throws `unsupported` for a kernel without headers. */
export function headersOf(kernel: Kernel): string {
  if (kernel.headers !== undefined) return kernel.headers;
  throw new RebootlessError("unsupported", `${kernel.version} was fetched without its headers`);
}

/**
 * The path of a module built for a kernel; built once, then taken from the cache. Its file name is the module's.
 * Throws `unsupported` for a kernel without headers, `io` with the compiler's words when the build fails.
 */
export async function buildModule(
  kernel: Kernel,
  name: ModuleName,
  variant: ModuleVariant = "first",
): Promise<string> {
  const headers = headersOf(kernel);
  const key = await cacheKey(join(sources, `${name}.c`), headers, variant);
  const target = join(cacheDirectory, "modules", kernel.version, key, `${name}.ko`);
  if (!existsSync(target)) await build(headers, name, variant, target);
  return target;
}
