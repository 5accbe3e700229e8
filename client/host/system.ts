import { execFile } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { hasErrno } from "./files.ts";
import { type KernelLog, openKernelLog } from "./kernel_log.ts";

/** How a program ended. */
export interface Ran {
  readonly code: number;
  readonly stderr: string;
}

/** What an engine needs of the machine. Injected: unit tests give one of their own. */
export interface System {
  /** A file's text without the white space around it, or undefined where there is none. */
  read(path: string): Promise<string | undefined>;
  write(path: string, text: string): Promise<void>;
  /** Names in a folder; none where there is no folder. */
  list(path: string): Promise<readonly string[]>;
  /** Runs a program by its name with arguments; no shell. */
  run(file: string, args: readonly string[]): Promise<Ran>;
  /** What the kernel logs from now on. */
  kernelLog(): KernelLog;
  sleep(milliseconds: number): Promise<void>;
  /** Milliseconds that only grow. */
  uptime(): number;
}

/** insmod can wait for a module's init; a minute is far more than one of ours takes. */
const RUN_TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024;
/** cron gives a bare PATH, and insmod lies in sbin. */
const SBIN_PATH = "/usr/sbin:/sbin:/usr/bin:/bin";

export const linux: System = {
  async read(path) {
    try {
      return (await readFile(path, "utf8")).trim();
    } catch (error) {
      // A patch's files vanish under a reader when it is unloaded, a task's when it ends.
      if (hasErrno(error, "ENOENT", "ENODEV", "ESRCH")) return undefined;
      throw error;
    }
  },
  write: (path, text) => writeFile(path, text),
  async list(path) {
    try {
      return (await readdir(path)).sort();
    } catch (error) {
      if (hasErrno(error, "ENOENT", "ENOTDIR", "ENODEV", "ESRCH")) return [];
      throw error;
    }
  },
  run: (file, args) =>
    new Promise((resolve) => {
      const options = { timeout: RUN_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, env: { PATH: SBIN_PATH } };
      execFile(file, args, options, (error, _stdout, stderr) => {
        if (!error) return resolve({ code: 0, stderr });
        const code = typeof error.code === "number" ? error.code : 127;
        resolve({ code, stderr: stderr || error.message });
      });
    }),
  kernelLog: openKernelLog,
  sleep: (milliseconds) => sleep(milliseconds),
  uptime: () => performance.now(),
};
