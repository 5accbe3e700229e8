import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { RebootlessError } from "../../../shared/errors.ts";

/**
 * Takes a folder for this process alone: flock(2), through the flock command on a descriptor of ours, so that the kernel
 * drops it however this process ends. @param waiting is told when another run has it. Returns what gives it back.
 */
export async function lockFolder(folder: string, waiting: () => void): Promise<() => void> {
  const file = openSync(join(folder, "lock"), "a", 0o600);
  try {
    if (!(await flock(file, ["--nonblock"]))) {
      waiting();
      if (!(await flock(file, [`--timeout=${WAIT_S}`])))
        throw new RebootlessError("locked", `another run has ${folder}, and does not end`);
    }
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return () => closeSync(file);
}

/** A cold preparation takes a minute, a large patch some more. */
const WAIT_S = 1800;

async function flock(file: number, how: readonly string[]): Promise<boolean> {
  const child = spawn("flock", [...how, "3"], {
    stdio: ["ignore", "ignore", "ignore", file],
  });
  try {
    const [code] = await once(child, "close");
    return code === 0;
  } catch (cause) {
    throw new RebootlessError("unsupported", "cannot run flock", {
      cause,
      hint: "Install the flock command (util-linux).",
    });
  }
}
