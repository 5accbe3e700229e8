import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { RebootlessError } from "../../shared/errors.ts";
import { SECOND } from "../../shared/time.ts";

/**
 * The longest time that a program may take. A person may have to find a device, type its PIN and touch it; a
 * service answers in less than a second.
 */
const TIMEOUT_MS = 120 * SECOND;
/**
 * The longest answer that is accepted. An Ed25519 signature has 64 bytes, and one of P-256 in DER at most 72.
 */
const MAX_SIGNATURE_BYTES = 256;
/** The most characters of a program's messages that are shown to people. */
const MAX_SAID = 16 * 1024;

/** An external program that signs. */
export interface SignProgram {
  /** A path, or a name that is looked up in PATH. It is run without a shell. */
  readonly program: string;
  /** Receives each line that the program writes to stderr. */
  readonly tell: (line: string) => void;
  readonly timeoutMs?: number;
}

/**
 * Runs `PROGRAM KEYID` with the message on its stdin, and returns what it writes to stdout, which is not
 * verified here. The program inherits our environment, because it has to find an agent, a device or an
 * account.
 *
 * @throws RebootlessError `config` if the program cannot be run; `io` if it fails, answers too much or does
 *   not end.
 */
export function askProgram(
  { program, tell, timeoutMs = TIMEOUT_MS }: SignProgram,
  keyId: string,
  message: Uint8Array,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const child = started(program, keyId);
    const answer: Buffer[] = [];
    let length = 0;
    /** Stops the program and closes the pipes, which its own children may still hold open. */
    const stop = (error: RebootlessError) => {
      clearTimeout(late);
      child.kill("SIGKILL");
      for (const pipe of [child.stdin, child.stdout, child.stderr]) pipe.destroy();
      reject(error);
    };
    const late = setTimeout(() => {
      stop(failed(program, `did not end within ${timeoutMs / SECOND} seconds`));
    }, timeoutMs);
    child.once("error", (cause) => stop(notRun(program, cause)));
    child.stdout.on("data", (chunk: Buffer) => {
      answer.push(chunk);
      length += chunk.length;
      if (length > MAX_SIGNATURE_BYTES)
        stop(failed(program, `answered more than ${MAX_SIGNATURE_BYTES} bytes`));
    });
    passOn(child.stderr, tell);
    child.stdin.on("error", () => undefined); // if it ends without reading, its exit code decides
    child.stdin.end(message);
    child.once("close", (code, signal) => {
      clearTimeout(late);
      if (code === 0) resolve(new Uint8Array(Buffer.concat(answer)));
      else
        reject(failed(program, signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`));
    });
  });
}

function started(program: string, keyId: string): ChildProcessWithoutNullStreams {
  try {
    return spawn(program, [keyId], { stdio: ["pipe", "pipe", "pipe"] });
  } catch (cause) {
    throw notRun(program, cause); // some failures to start are thrown, others come as an event
  }
}

function passOn(said: Readable, tell: (line: string) => void): void {
  let length = 0;
  said.setEncoding("utf8").on("data", (chunk: string) => {
    length += chunk.length;
    if (length > MAX_SAID) return;
    for (const line of chunk.split("\n")) if (line.trim() !== "") tell(line);
  });
}

const failed = (program: string, what: string): RebootlessError =>
  new RebootlessError("io", `${program} ${what}: nothing was signed with it`, {
    hint: "Its own messages, if there are any, are above. docs/ceremony.md describes what a signing program must do.",
  });

const notRun = (program: string, cause: unknown): RebootlessError =>
  new RebootlessError("config", `cannot run ${program}`, {
    cause,
    hint: "Give --sign-command the path of an executable file, or its name in PATH. It is run without a shell, so it cannot have arguments.",
  });
