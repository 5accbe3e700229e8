import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { RebootlessError } from "../shared/errors.ts";
import { lastLines, runProgram } from "./processes.ts";

/** A host's run that stalls has its lock for a minute; who waits longer than this is told instead. */
const WAIT_MS = 90_000;
const RETRY_MS = 500;

/** The right to change the state folder and the kernel, which one process has at a time. */
export interface FolderLock {
  /** Waits for it, within bounds; at once when this process has it. Throws `locked`. */
  take(): Promise<void>;
  release(): void;
  /** The descriptor of the file that is locked, while it is: a child that has it keeps the lock until it ends. */
  descriptor(): number | undefined;
}

export interface LockOptions {
  /** Milliseconds for which another run is waited for; 90 s unless said otherwise. */
  readonly waitMs?: number;
  /** Called once if another run has the lock. */
  readonly onWait?: () => void;
  /** The hint of the error that says that another run still has it. */
  readonly hint?: string;
}

/**
 * Locks a folder, which is made if it is missing, by flock(2) on a file in it. The flock command takes the lock on a descriptor of
 * ours, because Node has no call for it: the kernel drops the lock when this process ends, however it ends.
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

/** A link in the file's place is not followed: it would make a file somewhere else. Nor is a pipe waited for. */
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
  { waitMs = WAIT_MS, onWait, hint = LOOK }: LockOptions,
): Promise<void> {
  for (let waited = 0; !(await tryLock(file, folder)); waited += RETRY_MS) {
    if (waited === 0) onWait?.();
    if (waited + RETRY_MS >= waitMs) {
      const time = waitMs >= RETRY_MS ? ` for ${waitMs / 1000} s` : "";
      throw new RebootlessError("locked", `another run has held ${folder}${time}`, { hint });
    }
    await sleep(RETRY_MS);
  }
}

/** The lock belongs to the open file, which the child shares: it stays when the child has gone. */
async function tryLock(file: number, folder: string): Promise<boolean> {
  const { code, stderr } = await runProgram("flock", ["-n", "3"], {
    descriptors: [file],
    hint: "Install the flock command (util-linux).",
  });
  if (code > 1) throw new RebootlessError("io", `cannot lock ${folder}`, { output: lastLines(stderr, 5) });
  return code === 0;
}
