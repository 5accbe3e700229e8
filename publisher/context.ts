import type { Terminal } from "../node/cli/terminal.ts";
import type { Dating } from "../shared/source_date.ts";

/** What every command is given by the process it runs in. */
export interface BaseContext extends Dating {
  readonly terminal: Terminal;
}

/** What a command is given. */
export interface PublisherContext extends BaseContext {
  readonly prompt: Prompt;
  /** For an outcome that is no failure and that a script may still want to know of. */
  readonly exitWith: (code: number) => void;
  /** A line on stderr that neither --quiet nor --json holds back. */
  readonly warn: (line: string) => void;
}

/** Whoever sits at the terminal, if anybody does. Questions go to stderr: stdout is the answer's. */
export interface Prompt {
  readonly interactive: boolean;
  /** Nothing of what is typed is shown. */
  secret(question: string): Promise<string>;
  /** Shows the lines, then asks; yes only for `yes` or `y`. */
  confirm(lines: readonly string[], question: string): Promise<boolean>;
}
