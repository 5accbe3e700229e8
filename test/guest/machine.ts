import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RebootlessError } from "../../shared/errors.ts";

export const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const cacheDirectory = join(projectRoot, ".cache");

export type KernelRole = "primary" | "secondary" | "other";

/** A kernel of the distribution, unpacked in the cache. Paths are absolute. */
export interface Kernel {
  readonly version: string;
  /** Its first two numbers: `6.1`. */
  readonly series: string;
  readonly vmlinuz: string;
  /** The directory that has modules.dep. */
  readonly modules: string;
  /** What `make -C` takes; undefined for the kernel of which only the image is read. */
  readonly headers: string | undefined;
  readonly role: KernelRole;
}

const hint = "Run `npm test` or `npm run demo`: test/setup.mjs fetches the kernels and writes this file.";

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function stringOf(record: Readonly<Record<string, unknown>>, key: string): string {
  const value = record[key];
  if (typeof value === "string") return value;
  throw new RebootlessError("config", `machine.json: ${key} is not a string`, { hint });
}

function roleOf(value: string): KernelRole {
  if (value === "primary" || value === "secondary" || value === "other") return value;
  throw new RebootlessError("config", `machine.json: ${value} is not a role`, { hint });
}

function parseKernel(value: unknown): Kernel {
  if (!isRecord(value))
    throw new RebootlessError("config", "machine.json: a kernel is not an object", { hint });
  return {
    version: stringOf(value, "version"),
    series: stringOf(value, "series"),
    vmlinuz: stringOf(value, "vmlinuz"),
    modules: stringOf(value, "modules"),
    headers: value["headers"] === null ? undefined : stringOf(value, "headers"),
    role: roleOf(stringOf(value, "role")),
  };
}

/** The kernels that test/setup.mjs found for this machine. Throws `config` when it has not run. */
export function readKernels(): readonly Kernel[] {
  const path = join(cacheDirectory, "machine.json");
  try {
    const machine: unknown = JSON.parse(readFileSync(path, "utf8"));
    const kernels = isRecord(machine) ? machine["kernels"] : undefined;
    if (Array.isArray(kernels)) return kernels.map(parseKernel);
  } catch (cause) {
    throw new RebootlessError("config", ".cache/machine.json cannot be read", { hint, cause });
  }
  throw new RebootlessError("config", "machine.json has no kernels", { hint });
}

/** The kernel with a role. Throws `config` when this machine's distribution offers none for it. */
export function findKernel(role: KernelRole): Kernel {
  const kernel = readKernels().find((candidate) => candidate.role === role);
  if (kernel !== undefined) return kernel;
  throw new RebootlessError("config", `the distribution offers no ${role} kernel`, { hint });
}
