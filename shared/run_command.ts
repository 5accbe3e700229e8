import { EXIT } from "./exit_codes.ts";
import { type Streams, type Terminal, terminal } from "./terminal.ts";

/** What a command line needs of its process. */
export interface Process extends Streams {
  exitWith(code: number): void;
}

/** Runs one action of a command line and turns what it throws into messages and an exit code. */
export async function runCommand(
  process: Process,
  command: string,
  modes: { readonly json: boolean; readonly quiet: boolean },
  action: (terminal: Terminal) => Promise<void>,
): Promise<void> {
  const speaker = terminal(modes, process);
  try {
    await action(speaker);
  } catch (error) {
    process.exitWith(speaker.fail(command, error));
  }
}

/** For what the parser of a command line throws once it has said its piece: help and version are no failure. */
export function parserExitCode(error: unknown): number {
  return error instanceof Error && "exitCode" in error && error.exitCode === 0 ? EXIT.ok : EXIT.usage;
}
