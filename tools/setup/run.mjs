import { execFile, spawn } from "node:child_process";
import { promisify } from "node:util";

const execFileAsync = promisify(execFile);

/** The running children, and the signal with which each is stopped. */
const children = new Map();

/**
 * The signal that told this process to stop. From then on every `run` fails, so that all callers clean up on their
 * way out.
 */
let stoppedBy;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    if (stoppedBy !== undefined) process.exit(1);
    stoppedBy = signal;
    for (const [child, killSignal] of children) child.kill(killSignal);
  });
}

/** Tells whether this process was told to stop. */
export const isStopped = () => stoppedBy !== undefined;

/**
 * A failure with a message for people and a hint at what they can do about it. They are printed as `error:` and
 * `hint:`.
 */
export class SetupError extends Error {
  constructor(message, hint) {
    super(message);
    this.hint = hint;
  }
}

const startedAt = performance.now();

/** Prints one progress line on stderr, with the seconds since the start, because stdout is for results. */
export function progress(text) {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
  process.stderr.write(`[${seconds} s] ${text}\n`);
}

/**
 * Runs a command that a person may want to watch. Its stdout goes to `stdout`: "inherit", or "stderr" (the default).
 * It cannot read stdin. Resolves with the exit code (128 if killed by a signal). Rejects if the command cannot be
 * started, or if this process is told to stop. The command then gets `killSignal`, by default SIGTERM.
 */
export function run(command, args, { cwd, env, stdout = "stderr", killSignal = "SIGTERM" } = {}) {
  return new Promise((resolve, reject) => {
    const stopped = () => new SetupError(`stopped by ${stoppedBy}`);
    if (stoppedBy !== undefined) {
      reject(stopped());
      return;
    }
    const child = spawn(command, args, { cwd, env, stdio: ["ignore", stdout === "inherit" ? 1 : 2, 2] });
    children.set(child, killSignal);
    child.once("error", (cause) => {
      children.delete(child);
      reject(new SetupError(`${command} could not be started: ${cause.message}`));
    });
    child.once("exit", (code) => {
      children.delete(child);
      if (stoppedBy === undefined) resolve(code ?? 128);
      else reject(stopped());
    });
  });
}

/** Runs a command like `run`, but throws a SetupError for any exit code other than 0. */
export async function runOrFail(command, args, options) {
  const code = await run(command, args, options);
  if (code !== 0) throw new SetupError(`${command} ${args.join(" ")} ended with exit code ${code}`);
}

/** Returns the stdout of a quiet command, whatever its exit code, or "" if there is no such command. */
export async function capture(command, args, variables = {}) {
  const env = { ...process.env, LC_ALL: "C", ...variables };
  try {
    return (await execFileAsync(command, args, { env, maxBuffer: 64 << 20 })).stdout;
  } catch (error) {
    return typeof error.stdout === "string" ? error.stdout : "";
  }
}

/** Tells whether a quiet command ends with exit code 0. */
export async function succeeds(command, args) {
  try {
    await execFileAsync(command, args);
    return true;
  } catch {
    return false;
  }
}
