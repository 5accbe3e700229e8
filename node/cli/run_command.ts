import { EXIT } from "../../shared/exit_codes.ts";
import { printable } from "../../shared/printable.ts";
import { type Streams, type Terminal, terminal } from "./terminal.ts";

/** The process that a command line runs in. */
export interface Process extends Streams {
  /** The name of the program, such as `rebootless`. */
  readonly program: string;
  exitWith(code: number): void;
}

/**
 * Returns the process that a command line runs in. A reader that has seen enough (`| head`), a terminal that is gone
 * or a full disk does not end a run in the middle of its work. If the answer cannot be written, the run ends with
 * exit code 1, except when the reader has closed the pipe.
 */
export function processOf(
  program: string,
  node: Pick<NodeJS.Process, "stdout" | "stderr" | "exitCode">,
): Process {
  const exitWith = (code: number) => {
    node.exitCode = code;
  };
  let told = false;
  const stderr = (text: string) => {
    if (!told) node.stderr.on("error", () => undefined); // nobody is left who could read this
    told = true;
    node.stderr.write(text);
  };
  node.stdout.on("error", (error) => {
    if ("code" in error && error.code === "EPIPE") return;
    stderr(`error: cannot write to stdout: ${printable(error.message)}\n`);
    exitWith(EXIT.error);
  });
  return { program, stdout: (text) => void node.stdout.write(text), stderr, exitWith };
}

/** Runs one action of a command line and turns what it throws into messages and an exit code. */
export async function runCommand(
  process: Process,
  command: string,
  modes: { readonly json: boolean; readonly quiet: boolean },
  action: (terminal: Terminal) => Promise<void>,
): Promise<void> {
  const speaker = terminal({ ...modes, program: process.program }, process);
  try {
    await action(speaker);
  } catch (error) {
    process.exitWith(speaker.fail(command, error));
  }
}

/**
 * Returns the exit code for an error of the parser, which has printed its message already. Help and version are no
 * failure.
 */
export function parserExitCode(error: unknown): number {
  return error instanceof Error && "exitCode" in error && error.exitCode === 0 ? EXIT.ok : EXIT.usage;
}
