import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RebootlessError } from "../shared/errors.ts";
import { lastLines, runProgram } from "./processes.ts";

/** The time that a run waits for another run's lock. A host's run that stalls keeps its lock for a minute. */
const WAIT_MS = 90_000;
const RETRY_MS = 500;

/** The right to change the state folder and the kernel, which one process has at a time. */
export interface FolderLock {
  /**
   * Waits for the lock for a limited time, and returns at once if this process has it.
   *
   * @throws RebootlessError `locked`.
   */
  take(): Promise<void>;
  release(): void;
  /**
   * Returns the descriptor of the locked file while the lock is held. A child that inherits it keeps the lock until
   * it ends.
   */
  descriptor(): number | undefined;
}

export interface LockOptions {
  /** The time in milliseconds to wait for another run. The default is 90 s. */
  readonly waitMs?: number;
  /** Called once if another run has the lock. */
  readonly onWait?: () => void;
  /** True to share the lock with others that do so too, and not with one that wants it alone. */
  readonly shared?: boolean;
  /** The hint of the error that says that another run still has the lock. */
  readonly hint?: string;
}

/**
 * Locks a folder, which is made if it is missing, by flock(2) on a file in it. The flock command takes the lock on a
 * descriptor of this process, because Node has no call for it. The kernel drops the lock when this process ends, in
 * whatever way.
 */
export function folderLock(folder: string, options: LockOptions = {}): FolderLock {
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
      file = openLockFile(folder);
      try {
        await takeLock(file, folder, options);
      } catch (error) {
        release();
        throw error;
      }
    },
  };
}

/**
 * The flags for opening the file. A link in its place is not followed, because that would make a file somewhere else,
 * and opening does not wait for a pipe.
 */
const LOCK_FLAGS =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

function openLockFile(folder: string): number {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    return openSync(join(folder, "lock"), LOCK_FLAGS, 0o600);
  } catch (cause) {
    throw new RebootlessError("io", `cannot open ${join(folder, "lock")}`, { cause });
  }
}

const LOOK = "Look for a run that hangs: `ps -C node -o pid,etime,args`.";

async function takeLock(
  file: number,
  folder: string,
  { waitMs = WAIT_MS, onWait, shared = false, hint = LOOK }: LockOptions,
): Promise<void> {
  for (let waited = 0; !(await tryLock(file, folder, shared)); waited += RETRY_MS) {
    if (waited === 0) onWait?.();
    if (waited + RETRY_MS >= waitMs) {
      const time = waitMs >= RETRY_MS ? ` for ${waitMs / 1000} s` : "";
      throw new RebootlessError("locked", `another run has held ${folder}${time}`, { hint });
    }
    await sleep(RETRY_MS);
  }
}

/** Tries to take the lock. It belongs to the open file, which the child shares, so it stays when the child has ended. */
async function tryLock(file: number, folder: string, shared: boolean): Promise<boolean> {
  const { code, stderr } = await runProgram("flock", ["-n", ...(shared ? ["--shared"] : []), "3"], {
    descriptors: [file],
    hint: "Install the flock command (util-linux).",
  });
  if (code > 1) throw new RebootlessError("io", `cannot lock ${folder}`, { output: lastLines(stderr, 5) });
  return code === 0;
}
