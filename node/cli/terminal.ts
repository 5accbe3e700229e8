import { errorLines } from "../../shared/error_lines.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { EXIT, exitCodeOf } from "../../shared/exit_codes.ts";
import { type JsonObject, type JsonValue, jsonObject } from "../../shared/json.ts";
import { printable, printableJson } from "../../shared/printable.ts";
import { helpHint } from "./usage_errors.ts";

/**
 * The version of the `--json` output. It is raised when a member changes its meaning or is removed; members may be
 * added.
 */
export const JSON_SCHEMA = 1;

/**
 * The output of a run: data goes to stdout, everything else to stderr. Whatever a line quotes, it stays one line and
 * has no effect on a terminal, because characters that are not printable are escaped.
 */
export interface Terminal {
  /** Prints a line of the answer for people. With --json it prints nothing. */
  say(line: string): void;
  /**
   * Prints an answer that is text of many lines for a program, and that its maker kept printable. With --json it
   * prints nothing.
   */
  document(text: string): void;
  /** Prints a line of progress to stderr. With --quiet it prints nothing. */
  progress(line: string): void;
  /** Prints to stderr, always, what a person should know although nothing failed. */
  notice(line: string): void;
  /** Prints the whole answer for programs. Without --json it prints nothing. */
  result(command: string, members: Readonly<Record<string, JsonValue | undefined>>): void;
  /** Prints `error:` and `hint:` to stderr, and with --json also an object to stdout. Returns the exit code. */
  fail(command: string, error: unknown): number;
}

export interface Streams {
  stdout(text: string): void;
  stderr(text: string): void;
}

export function terminal(
  mode: { readonly json: boolean; readonly quiet: boolean; readonly program: string },
  streams: Streams,
): Terminal {
  const line = (text: string) => streams.stderr(`${text}\n`);
  const write = (value: JsonObject) => streams.stdout(`${printableJson(value)}\n`);
  return {
    say: (text) => mode.json || streams.stdout(`${printable(text)}\n`),
    document: (text) => mode.json || streams.stdout(`${text.trimEnd()}\n`),
    progress: (text) => mode.quiet || line(printable(text)),
    notice: (text) => line(printable(text)),
    result: (command, members) =>
      mode.json && write(jsonObject({ schema: JSON_SCHEMA, command, ...members })),
    fail(command, error) {
      const { message, output, code, exitCode, details, answer, told, ...explained } = explain(error);
      const help = code === "usage" ? helpHint(`${mode.program} ${command}`) : undefined;
      const hint = explained.hint ?? help;
      const [first, ...more] = errorLines(error);
      if (!told) {
        line(`error: ${first}`);
        for (const each of more) line(each);
        if (hint) line(`hint: ${printable(hint)}`);
      }
      const body = jsonObject({ code, message, output, hint, details: jsonObject(details) });
      if (mode.json) {
        write(jsonObject({ schema: JSON_SCHEMA, command, exit_code: exitCode, error: body, ...answer }));
      }
      return exitCode;
    },
  };
}

/** Returns what is reported about an error, to people and to programs. */
export function explain(error: unknown) {
  if (error instanceof RebootlessError) {
    const { message, hint, code, details, answer, told } = error;
    const output = error.output.length > 0 ? error.output : undefined;
    return { message, output, hint, code, details, answer, told, exitCode: exitCodeOf(code) };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const hint = "This is a fault in rebootless itself; please report it with the lines above.";
  return {
    message,
    output: undefined,
    hint,
    code: "internal",
    details: {},
    answer: {},
    told: false,
    exitCode: EXIT.error,
  };
}
