import { readFileSync } from "node:fs";
import { arch, release } from "node:os";
import { gnuBuildId } from "../../shared/elf/notes.ts";
import { RebootlessError } from "../../shared/errors.ts";

import type { KernelIdentity } from "../../shared/kernel_identity.ts";

const NOTES = "/sys/kernel/notes";

/** Identifies the running kernel. Its build ID comes from its own notes, and not from a file on a disk or from `uname`. */
export function runningKernel(): KernelIdentity {
  const buildId = gnuBuildId(readNotes());
  if (buildId === undefined) {
    throw new RebootlessError("unsupported", `${NOTES} has no GNU build ID`, {
      hint: "This kernel was built without one. Updates cannot be found without it.",
    });
  }
  // os.arch() is the architecture of this build of Node, which calls x86_64 `x64`.
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
