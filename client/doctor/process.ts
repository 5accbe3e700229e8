import { existsSync } from "node:fs";
import { isNodeTooOld, NODE_VERSION } from "../../node/node_version.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { KernelCore } from "../host/kcore.ts";
import type { System } from "../host/system.ts";
import { type Check, type CheckOutcome, fail, ok } from "./check.ts";

/** Checks what this process may do, and the programs that it needs. */
export const processChecks = (
  system: Pick<System, "read">,
  openCore: () => KernelCore,
  nodeVersion: string,
  exists: (path: string) => boolean = existsSync,
): readonly Check[] => [
  { name: "rights", look: () => rights(system, exists) },
  { name: "memory", look: async () => memory(openCore) },
  { name: "tools", look: async () => tools(exists) },
  { name: "node", look: async () => node(nodeVersion) },
];

/** The capabilities that are needed, with their bit numbers from linux/capability.h. */
const NEEDED: ReadonlyMap<string, bigint> = new Map([
  ["CAP_SYS_MODULE", 16n],
  ["CAP_SYS_RAWIO", 17n],
  ["CAP_SYS_ADMIN", 21n],
]);

/** Files that container managers create in a container. */
const CONTAINER_MARKS = ["/run/.containerenv", "/.dockerenv", "/run/systemd/container"] as const;

async function rights(
  system: Pick<System, "read">,
  exists: (path: string) => boolean,
): Promise<CheckOutcome> {
  const effective = /^CapEff:\s*([0-9a-f]{1,16})$/m.exec((await system.read("/proc/self/status")) ?? "")?.[1];
  if (effective === undefined)
    throw new RebootlessError("unsupported", "/proc/self/status does not list capabilities");
  const held = BigInt(`0x${effective}`);
  const missing = [...NEEDED].filter(([, bit]) => ((held >> bit) & 1n) === 0n).map(([name]) => name);
  if (missing.length === 0) return ok("this process may load modules and read the kernel's memory");
  const container = CONTAINER_MARKS.some(exists);
  return fail(
    `this process lacks ${missing.join(", ")}${container ? ": it runs in a container" : ""}`,
    container ? "A container uses its host's kernel: run rebootless on the host." : "Run as root.",
  );
}

function memory(openCore: () => KernelCore): CheckOutcome {
  const core = openCore();
  core.close();
  return ok("the kernel's memory can be read");
}

/** The folders in which System.run looks for programs. */
const FOLDERS = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"] as const;
const TOOLS: ReadonlyMap<string, string> = new Map([
  ["insmod", "kmod or busybox"],
  ["rmmod", "kmod or busybox"],
  ["flock", "util-linux or busybox"],
]);

function tools(exists: (path: string) => boolean): CheckOutcome {
  const missing = [...TOOLS].filter(([name]) => !FOLDERS.some((folder) => exists(`${folder}/${name}`)));
  if (missing.length === 0) return ok("insmod, rmmod and flock are installed");
  const names = missing.map(([name]) => name).join(", ");
  return fail(`not found: ${names}`, `Install ${[...new Set(missing.map(([, from]) => from))].join("; ")}.`);
}

function node(version: string): CheckOutcome {
  if (!isNodeTooOld(version)) return ok(`Node ${version}`);
  return fail(`Node ${version} is too old`, `Install Node ${NODE_VERSION} or newer.`);
}
