import { errorLines } from "../../shared/error_lines.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { EXIT, exitCodeOf } from "../../shared/exit_codes.ts";
import { type JsonObject, type JsonValue, jsonObject } from "../../shared/json.ts";
import { printable, printableJson } from "../../shared/printable.ts";
import { helpHint } from "./usage_errors.ts";

/** Raised when a member of the `--json` output changes its meaning or goes away; members may be added. */
export const JSON_SCHEMA = 1;

/**
 * Where a run speaks: data to stdout, everything else to stderr. Whatever a line quotes, it stays one line and does
 * nothing to a terminal: what is not printable is shown as an escape.
 */
export interface Terminal {
  /** A line of the answer, for people; with --json nothing. */
  say(line: string): void;
  /** The answer where it is text for a program, of many lines, which whoever made it kept printable; with --json nothing. */
  document(text: string): void;
  /** A line of progress, to stderr; with --quiet nothing. */
  progress(line: string): void;
  /** What a person should know of although nothing failed, to stderr, always. */
  notice(line: string): void;
  /** The whole answer, for programs; without --json nothing. */
  result(command: string, members: Readonly<Record<string, JsonValue | undefined>>): void;
  /** `error:` and `hint:`, to stderr, and with --json an object to stdout too. Returns the exit code. */
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

/** What is told of an error, whoever is told. */
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
