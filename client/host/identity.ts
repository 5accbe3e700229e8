import { readFileSync } from "node:fs";
import { arch, release } from "node:os";
import { gnuBuildId } from "../../shared/elf/notes.ts";
import { RebootlessError } from "../../shared/errors.ts";

import type { KernelIdentity } from "../../shared/kernel_identity.ts";

const NOTES = "/sys/kernel/notes";

/** Which kernel runs: its build ID from its own notes, not from a file on a disk and not from `uname`. */
export function runningKernel(): KernelIdentity {
  const buildId = gnuBuildId(readNotes());
  if (buildId === undefined) {
    throw new RebootlessError("unsupported", `${NOTES} has no GNU build ID`, {
      hint: "This kernel was built without one; updates are found by it.",
    });
  }
  // os.arch() speaks of Node's own build; `x64` is what the kernel calls x86_64.
  return { buildId, release: release(), architecture: arch() === "x64" ? "x86_64" : arch() };
}

function readNotes(): Uint8Array {
  try {
    return readFileSync(NOTES);
  } catch (cause) {
    throw new RebootlessError("unsupported", `cannot read ${NOTES}`, {
      cause,
      hint: "Is this Linux, with /sys mounted?",
    });
  }
}
