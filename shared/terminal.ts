import { RebootlessError } from "./errors.ts";
import { EXIT, exitCodeOf } from "./exit_codes.ts";
import { encodeJson, type JsonObject, type JsonValue, jsonObject } from "./json.ts";

/** Raised when a member of the `--json` output changes its meaning or goes away; members may be added. */
export const JSON_SCHEMA = 1;

/** Where a run speaks: data to stdout, everything else to stderr. */
export interface Terminal {
  /** A line of the answer, for people; with --json nothing. */
  say(line: string): void;
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
  mode: { readonly json: boolean; readonly quiet: boolean },
  streams: Streams,
): Terminal {
  const write = (value: JsonObject) => streams.stdout(`${new TextDecoder().decode(encodeJson(value))}\n`);
  return {
    say: (line) => mode.json || streams.stdout(`${line}\n`),
    progress: (line) => mode.quiet || streams.stderr(`${line}\n`),
    notice: (line) => streams.stderr(`${line}\n`),
    result: (command, members) =>
      mode.json && write(jsonObject({ schema: JSON_SCHEMA, command, ...members })),
    fail(command, error) {
      const { message, hint, code, exitCode, details, answer } = explain(error);
      streams.stderr(`error: ${message}\n`);
      for (const cause of causes(error)) streams.stderr(`  because: ${cause}\n`);
      if (hint) streams.stderr(`hint: ${hint}\n`);
      const body = jsonObject({ code, message, hint, details: jsonObject(details) });
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
    const { message, hint, code, details, answer } = error;
    return { message, hint, code, details, answer, exitCode: exitCodeOf(code) };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  const hint = "This is a fault in rebootless itself; please report it with the lines above.";
  return { message, hint, code: "internal", details: {}, answer: {}, exitCode: EXIT.error };
}

/** What lies behind an error, outermost first, a line each. */
function causes(error: unknown): string[] {
  const lines: string[] = [];
  let cause = error instanceof Error ? error.cause : undefined;
  while (cause instanceof Error && lines.length < 8) {
    lines.push(cause.message);
    cause = cause.cause;
  }
  return lines;
}
