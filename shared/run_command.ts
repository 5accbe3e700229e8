import { EXIT } from "./exit_codes.ts";
import { type Streams, type Terminal, terminal } from "./terminal.ts";

/** What a command line needs of its process. */
export interface Process extends Streams {
  exitWith(code: number): void;
}

/** What `processOf` takes: Node's own process, seen from a room that knows no Node. */
export interface NodeProcess {
  readonly stdout: NodeStream & { on(event: "error", listener: (error: Error) => void): unknown };
  readonly stderr: NodeStream;
  exitCode?: number | string | null | undefined;
}

interface NodeStream {
  write(text: string): unknown;
}

/** A reader of stdout that has seen enough (`| head`) is no fault. */
export function processOf(node: NodeProcess): Process {
  node.stdout.on("error", (error) => {
    if (!("code" in error && error.code === "EPIPE")) throw error;
  });
  return {
    stdout: (text) => void node.stdout.write(text),
    stderr: (text) => void node.stderr.write(text),
    exitWith: (code) => {
      node.exitCode = code;
    },
  };
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
