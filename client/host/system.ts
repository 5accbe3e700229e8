import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { hasErrno } from "../../node/errno.ts";
import type { OpenFile } from "../../node/own_file.ts";
import { runProgram } from "../../node/processes.ts";
import { isCode } from "../../shared/errors.ts";
import { type KernelLog, openKernelLog } from "./kernel_log.ts";

/** The result of a program that was run. */
export interface Ran {
  readonly code: number;
  readonly stderr: string;
}

/** The parts of the machine that engines need. They are injected, so that unit tests can use their own. */
export interface System {
  /** Reads the text of a file, without the white space around it; undefined if there is no such file. */
  read(path: string): Promise<string | undefined>;
  write(path: string, text: string): Promise<void>;
  /** Lists the names in a folder; none if there is no such folder. */
  list(path: string): Promise<readonly string[]>;
  /** Runs a program by its name with arguments, without a shell. */
  run(file: string, args: readonly string[]): Promise<Ran>;
  /** Loads a kernel module from an open file, and never by its path. */
  load(file: OpenFile): Promise<Ran>;
  /** Opens the kernel's log from this moment on. */
  kernelLog(): KernelLog;
  sleep(milliseconds: number): Promise<void>;
  /** Returns a time in milliseconds that never goes back. */
  uptime(): number;
}

/**
 * The longest time that a program may run. insmod waits for a module's init function, and that of an update takes far
 * less than a minute.
 */
const RUN_TIMEOUT_MS = 60_000;
const MAX_OUTPUT_CHARACTERS = 64 * 1024;
/** The PATH of programs. cron's PATH does not contain sbin, where insmod is. */
const SBIN_PATH = "/usr/sbin:/sbin:/usr/bin:/bin";
/** The exit code of a program that could not be run to its end, as in shells. */
const NOT_RUN = 127;

/**
 * The machine, on Linux. Files that the kernel serves from its memory are read synchronously, as in node/files.ts. A write
 * may block in the kernel, and is asynchronous.
 *
 * @param held returns the descriptor of the state lock while it is held. Programs inherit it, so that if this process is
 *   killed while insmod is running, the next run gets the lock only when the kernel is done.
 */
export const linuxSystem = (held: () => number | undefined): System => ({
  async read(path) {
    try {
      return readFileSync(path, "utf8").trim();
    } catch (error) {
      // The files of a patch disappear when it is unloaded, and those of a task when it ends.
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

/** The first file that a program inherits beside its standard ones. */
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
      detached: true, // Ctrl-C asks this program to end, and not an insmod that is running.
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
