import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { RebootlessError } from "../../../shared/errors.ts";

export const projectRoot = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
export const cacheDirectory = join(projectRoot, ".cache");

/** `newest` and `series`: one of each series that only Debian's other suites have. */
const ROLES = ["primary", "secondary", "other", "further", "newest", "series"] as const;
export type KernelRole = (typeof ROLES)[number];

/** A kernel of the distribution, unpacked in the cache. Paths are absolute. */
export interface Kernel {
  readonly version: string;
  /** Its first two numbers: `6.1`. */
  readonly series: string;
  readonly vmlinuz: string;
  /** The directory that has modules.dep. */
  readonly modules: string;
  /** False for kernels whose package of modules the distribution no longer offers: modules.dep is empty. */
  readonly hasModules: boolean;
  /** What `make -C` takes; undefined for kernels that no module is built for. */
  readonly headers: string | undefined;
  readonly role: KernelRole;
}

const hint =
  "Run `npm test`, `npm run demo` or `npm run proof:runpre`: tools/setup.mjs fetches the kernels and writes this file.";

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function stringOf(record: Readonly<Record<string, unknown>>, key: string): string {
  const value = record[key];
  if (typeof value === "string") return value;
  throw new RebootlessError("config", `machine.json: ${key} is not a string`, { hint });
}

function roleOf(value: string): KernelRole {
  const role = ROLES.find((known) => known === value);
  if (role !== undefined) return role;
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
    hasModules: value["has_modules"] !== false,
    headers: value["headers"] === null ? undefined : stringOf(value, "headers"),
    role: roleOf(stringOf(value, "role")),
  };
}

function readMachine(name: "machine.json" | "proof.json"): readonly Kernel[] {
  const path = join(cacheDirectory, name);
  try {
    const machine: unknown = JSON.parse(readFileSync(path, "utf8"));
    const kernels = isRecord(machine) ? machine["kernels"] : undefined;
    if (Array.isArray(kernels)) return kernels.map(parseKernel);
  } catch (cause) {
    throw new RebootlessError("config", `.cache/${name} cannot be read`, { hint, cause });
  }
  throw new RebootlessError("config", `${name} has no kernels`, { hint });
}

/** The kernels that tools/setup.mjs found for this machine. Throws `config` when it has not run. */
export const readKernels = (): readonly Kernel[] => readMachine("machine.json");

/** Those, and the ones that only proofs boot. Throws `config` when it has not run. */
export const readProofKernels = (): readonly Kernel[] => readMachine("proof.json");

/** The kernel with a role. Throws `config` when this machine's distribution offers none for it. */
export function findKernel(role: KernelRole): Kernel {
  const kernel = readKernels().find((candidate) => candidate.role === role);
  if (kernel !== undefined) return kernel;
  throw new RebootlessError("config", `the distribution offers no ${role} kernel`, { hint });
}

/** The newest kernel of all suites. It is the machine's own where the other suites have nothing newer. */
export const newestKernel = (): Kernel =>
  readKernels().find(({ role }) => role === "newest") ?? findKernel("primary");
