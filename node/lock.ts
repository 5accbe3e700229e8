import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RebootlessError } from "../shared/errors.ts";
import { hasErrno } from "./errno.ts";

/** An apply that stalls holds the lock for a minute; who waits longer than this is told instead. */
const WAIT_MS = 90_000;
const RETRY_MS = 500;

/** The right to change the state folder and the kernel, which one process has at a time. */
export interface StateLock {
  /** Waits for it, within bounds; at once when this process has it. Throws `locked`. */
  take(): Promise<void>;
  release(): void;
  /** The file that is locked, while it is: a child that has it keeps the lock until it ends. */
  descriptor(): number | undefined;
}

/**
 * flock(2), through the flock command on a descriptor of ours: the kernel drops the lock when this process ends,
 * however it ends. It is taken when there is something to change, which most polls have not.
 */
export function stateLock(stateDir: string, waitMs: number = WAIT_MS): StateLock {
  let file: number | undefined;
  const release = () => {
    if (file !== undefined) closeSync(file);
    file = undefined;
  };
  return {
    release,
    descriptor: () => file,
    async take() {
      if (file !== undefined) return;
      file = openLockFile(stateDir);
      try {
        await takeLock(file, stateDir, waitMs);
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}

/** A link in its place is not followed: it would make a file somewhere else. Nor is a pipe waited for. */
const LOCK_FLAGS =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

function openLockFile(stateDir: string): number {
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o755 });
    return openSync(join(stateDir, "lock"), LOCK_FLAGS, 0o600);
  } catch (cause) {
    throw new RebootlessError("io", `cannot open ${join(stateDir, "lock")}`, { cause });
  }
}

async function takeLock(file: number, stateDir: string, waitMs: number): Promise<void> {
  for (let waited = 0; waited < waitMs; waited += RETRY_MS) {
    if (await tryLock(file)) return;
    await sleep(RETRY_MS);
  }
  throw new RebootlessError("locked", `another run has held ${stateDir} for ${waitMs / 1000} s`, {
    hint: "Look for a rebootless that hangs: `ps -C node -o pid,etime,args`.",
  });
}

/** The lock belongs to the open file, which the child shares: it stays when the child has gone. */
async function tryLock(file: number): Promise<boolean> {
  const child = spawn("flock", ["-n", "3"], { stdio: ["ignore", "ignore", "ignore", file] });
  try {
    const [code] = await once(child, "exit");
    return code === 0;
  } catch (cause) {
    const hint = hasErrno(cause, "ENOENT") ? { hint: "Install the flock command (util-linux)." } : {};
    throw new RebootlessError("unsupported", "cannot run flock", { cause, ...hint });
  }
}
