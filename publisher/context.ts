import type { Terminal } from "../node/cli/terminal.ts";
import type { Dating } from "../shared/source_date.ts";

/** The part of a command's context that the process provides. */
export interface BaseContext extends Dating {
  readonly terminal: Terminal;
}

/** The context in which a command runs. */
export interface PublisherContext extends BaseContext {
  readonly prompt: Prompt;
  /** The words that run this program again: Node, its options, and the program's file. */
  readonly self: readonly string[];
  /** Sets the exit code for an outcome that is not a failure but that a script may want to know. */
  readonly exitWith: (code: number) => void;
  /** Writes a line to stderr that neither --quiet nor --json holds back. */
  readonly warn: (line: string) => void;
}

/** The way to ask the person at the terminal. Questions go to stderr, because stdout is for the command's answer. */
export interface Prompt {
  readonly interactive: boolean;
  /** Asks for a secret. What is typed is not shown. */
  secret(question: string): Promise<string>;
  /** Shows the lines, then asks. Only `yes` and `y` count as consent. */
  confirm(lines: readonly string[], question: string): Promise<boolean>;
}
