import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RebootlessError } from "../../../shared/errors.ts";
import { cacheDirectory, type Kernel } from "../machine.ts";

const execFileAsync = promisify(execFile);
const sources = dirname(fileURLToPath(import.meta.url));

/** Modules whose sources are here, one file each. */
export type ModuleName = "rebootless_demo_cmdline" | "rebootless_demo_version" | "rebootless_test_probes";

const BUILD_TIMEOUT_MS = 300_000;

/** What the module is made of: its source and the exact build of the kernel's headers. */
async function cacheKey(source: string, headers: string): Promise<string> {
  const hash = createHash("sha256");
  for (const path of [source, join(headers, "Module.symvers"), join(headers, ".config")]) {
    hash.update(await readFile(path));
  }
  return hash.digest("hex").slice(0, 16);
}

async function make(headers: string, directory: string): Promise<void> {
  const options = { timeout: BUILD_TIMEOUT_MS, maxBuffer: 16 << 20 };
  try {
    await execFileAsync("make", ["-C", headers, `M=${directory}`, "modules"], options);
  } catch (cause) {
    const output = cause instanceof Error && "stderr" in cause ? String(cause.stderr) : "";
    throw new RebootlessError("io", `the kernel's build system failed\n${output.slice(-4000)}`, { cause });
  }
}

async function build(headers: string, source: string, name: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const directory = await mkdtemp(join(dirname(target), `${name}.tmp-`));
  try {
    await copyFile(source, join(directory, `${name}.c`));
    await writeFile(join(directory, "Kbuild"), `obj-m := ${name}.o\n`);
    await make(headers, directory);
    await rename(join(directory, `${name}.ko`), target);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/**
 * The path of a module built for a kernel; built once, then taken from the cache. Its file name is the module's.
 * Throws `unsupported` for a kernel without headers, `io` with the compiler's words when the build fails.
 */
export async function buildModule(kernel: Kernel, name: ModuleName): Promise<string> {
  if (kernel.headers === undefined) {
    throw new RebootlessError("unsupported", `${kernel.version} was fetched without its headers`);
  }
  const source = join(sources, `${name}.c`);
  const key = await cacheKey(source, kernel.headers);
  const target = join(cacheDirectory, "modules", kernel.version, key, `${name}.ko`);
  if (!existsSync(target)) await build(kernel.headers, source, name, target);
  return target;
}
