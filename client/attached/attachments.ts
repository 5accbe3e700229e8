import { hasErrno } from "../../node/errno.ts";
import type { LoadedPatch } from "../engines/engine.ts";
import type { System } from "../host/system.ts";
import { KPROBES, type Kprobe, parseKprobes } from "./kprobes.ts";
import { ENABLED_FUNCTIONS, parseEnabledFunctions, type TracedFunction } from "./traced.ts";

/** What is attached to functions of the running kernel, by what the kernel lists. */
export interface Attachments {
  readonly patches: readonly LoadedPatch[];
  readonly traced: readonly TracedFunction[];
  readonly probes: readonly Kprobe[];
  /** The files that could not be read, and so explain nothing. */
  readonly unread: readonly string[];
}

/** Reads what is attached. It mounts nothing; files that are missing or that lockdown keeps closed are listed in `unread`. */
export async function readAttachments(
  system: System,
  loaded: () => Promise<readonly LoadedPatch[]>,
): Promise<Attachments> {
  const [traced, probes] = await Promise.all([
    readFirst(system, ENABLED_FUNCTIONS),
    readFirst(system, [KPROBES]),
  ]);
  return {
    patches: (await loaded()).filter(({ state }) => state !== "disabled"),
    traced: parseEnabledFunctions(traced ?? ""),
    probes: parseKprobes(probes ?? ""),
    unread: [
      ...(traced === undefined ? [ENABLED_FUNCTIONS[0]] : []),
      ...(probes === undefined ? [KPROBES] : []),
    ],
  };
}

async function readFirst(system: System, paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const text = await readUnlessDenied(system, path);
    if (text !== undefined) return text;
  }
  return undefined;
}

async function readUnlessDenied(system: System, path: string): Promise<string | undefined> {
  try {
    return await system.read(path);
  } catch (error) {
    if (hasErrno(error, "EACCES", "EPERM")) return undefined;
    throw error;
  }
}
