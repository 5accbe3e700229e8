import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { hasErrno } from "../../node/errno.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { TextMemory } from "../../shared/runpre/fingerprint.ts";
import { type CoreFile, coreFile } from "./core_file.ts";
import { kernelText } from "./kernel_text.ts";

export const KCORE = "/proc/kcore";
const LOCKDOWN = "/sys/kernel/security/lockdown";

/** The text of a kernel, and the rest of its memory by address. */
export interface KernelCore extends TextMemory {
  readonly core: CoreFile;
  close(): void;
}

/**
 * Opens the memory of the running kernel, or of a kernel in a core file. Addresses come from the file itself, so that
 * kptr_restrict, which hides them elsewhere, does not matter.
 *
 * @throws RebootlessError `not_permitted` (rights, lockdown, a container), `unsupported`, `io`.
 */
export function openKernelCore(path: string = KCORE): KernelCore {
  const file = open(path);
  try {
    if (path === KCORE) refuseMask(file);
    const core = coreFile(file, path);
    return { ...kernelText(core), core, close: core.close };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** Refuses /proc/kcore in a container, whose engine mounts /dev/null over it. */
function refuseMask(file: number): void {
  if (fstatSync(file).isFile()) return;
  throw new RebootlessError("not_permitted", `${KCORE} is hidden from this container`, {
    hint: "A container uses the host's kernel: run this on the host.",
  });
}

function open(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    throw path === KCORE ? unreadable(cause) : missing(path, cause);
  }
}

function missing(path: string, cause: unknown): RebootlessError {
  const denied = hasErrno(cause, "EACCES", "EPERM");
  return new RebootlessError(denied ? "not_permitted" : "usage", `cannot read ${path}`, { cause });
}

function unreadable(cause: unknown): RebootlessError {
  if (hasErrno(cause, "EPERM")) {
    const hint = isLockedDown()
      ? "Kernel lockdown is in confidentiality mode, which hides kernel memory even from root; `lockdown=integrity` does not."
      : "Reading kernel memory requires CAP_SYS_RAWIO, which a container lacks: run this on the host.";
    return new RebootlessError("not_permitted", `the kernel refuses to open ${KCORE}`, {
      cause,
      hint,
    });
  }
  if (hasErrno(cause, "EACCES")) {
    return new RebootlessError("not_permitted", `cannot read ${KCORE}`, { cause, hint: "Run as root." });
  }
  return new RebootlessError("unsupported", `cannot read ${KCORE}`, {
    cause,
    hint: "The kernel needs CONFIG_PROC_KCORE, and /proc must be mounted.",
  });
}

function isLockedDown(): boolean {
  try {
    return readFileSync(LOCKDOWN, "latin1").includes("[confidentiality]");
  } catch {
    return false; // securityfs is not mounted, so this is not known.
  }
}
