import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { hasErrno } from "../../node/errno.ts";
import type { OpenFile } from "../../node/own_file.ts";
import { runProgram } from "../../node/processes.ts";
import { isCode } from "../../shared/errors.ts";
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
  /** Loads a kernel module out of the open file, never by its path. */
  load(file: OpenFile): Promise<Ran>;
  /** What the kernel logs from now on. */
  kernelLog(): KernelLog;
  sleep(milliseconds: number): Promise<void>;
  /** Milliseconds that only grow. */
  uptime(): number;
}

/** insmod can wait for a module's init; a minute is far more than one of ours takes. */
const RUN_TIMEOUT_MS = 60_000;
const MAX_OUTPUT_CHARACTERS = 64 * 1024;
/** cron gives a bare PATH, and insmod lies in sbin. */
const SBIN_PATH = "/usr/sbin:/sbin:/usr/bin:/bin";
/** The code of a program that could not be run to its end, as shells have it. */
const NOT_RUN = 127;

/**
 * What the kernel answers from its memory is read at one go, as in files.ts. A write can wait in the kernel.
 *
 * @param held the state lock's descriptor, while it is held. Programs inherit it: when this process is killed while insmod
 * is at work, the next run gets the lock no sooner than the kernel is done.
 */
export const linuxSystem = (held: () => number | undefined): System => ({
  async read(path) {
    try {
      return readFileSync(path, "utf8").trim();
    } catch (error) {
      // A patch's files vanish under a reader when it is unloaded, a task's when it ends.
      if (hasErrno(error, "ENOENT", "ENODEV", "ESRCH")) return undefined;
      throw error;
    }
  },
  write: (path, text) => writeFile(path, text),
  async list(path) {
    try {
      return readdirSync(path).sort();
    } catch (error) {
      if (hasErrno(error, "ENOENT", "ENOTDIR", "ENODEV", "ESRCH")) return [];
      throw error;
    }
  },
  run: (file, args) => run(file, args, held()),
  async load({ path, descriptor }) {
    const ran = await run("insmod", [GIVEN], held(), descriptor);
    return { ...ran, stderr: ran.stderr.replaceAll(GIVEN, path) };
  },
  kernelLog: openKernelLog,
  sleep: (milliseconds) => sleep(milliseconds),
  uptime: () => Number(process.hrtime.bigint()) / 1e6,
});

/** The first file that a program is given beyond its standard ones. */
const GIVEN = "/proc/self/fd/3";

async function run(
  file: string,
  args: readonly string[],
  held: number | undefined,
  given?: number,
): Promise<Ran> {
  try {
    const { code, signal, stderr } = await runProgram(file, args, {
      descriptors: [given, held].filter((descriptor) => descriptor !== undefined),
      detached: true, // Ctrl-C asks us to end, not an insmod that is at work
      env: { PATH: SBIN_PATH },
      timeoutMs: RUN_TIMEOUT_MS,
      maxOutput: MAX_OUTPUT_CHARACTERS,
    });
    return signal === undefined
      ? { code, stderr }
      : { code: NOT_RUN, stderr: stderr || `ended by ${signal}` };
  } catch (error) {
    const { message } =
      isCode(error, "unsupported") && error.cause instanceof Error ? error.cause : (error as Error);
    return { code: NOT_RUN, stderr: message };
  }
}
