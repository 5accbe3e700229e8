import { parserExitCode, runCommand } from "../../../node/cli/run_command.ts";
import { type ProcessContext, program } from "../../../publisher/program.ts";
import { type Clock, systemClock } from "../../../shared/time.ts";
import { publisherBundle } from "../../support/commands.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** What was asked, in order. */
  readonly asked: readonly string[];
  /** What was shown before a yes or no was asked for. */
  readonly shown: readonly string[];
}

/** Who sits at the terminal: the passphrases they type, and what they say to a question. Nobody unless told. */
export interface Person {
  readonly types?: readonly string[];
  readonly says?: boolean;
  readonly clock?: Clock;
  /** What runs in place of the program when it runs itself. */
  readonly self?: readonly string[];
  /** SOURCE_DATE_EPOCH. */
  readonly sourceDate?: string;
}

/** Runs the command line in this process, as main.ts does. */
export async function cli(args: readonly string[], person: Person = {}): Promise<Outcome> {
  const out = { code: 0, stdout: "", stderr: "" };
  const asked: string[] = [];
  const shown: string[] = [];
  const typed = [...(person.types ?? [])];
  const own: ProcessContext = {
    self: person.self ?? [process.execPath, publisherBundle],
    prompt: {
      interactive: person.types !== undefined || person.says !== undefined,
      async secret(question) {
        asked.push(question);
        return typed.shift() ?? "";
      },
      async confirm(lines, question) {
        asked.push(question);
        shown.push(...lines);
        return person.says ?? false;
      },
    },
    exitWith: (code) => void Object.assign(out, { code }),
  };
  const streams = {
    program: "rebootless-publish",
    stdout: (text: string) => void Object.assign(out, { stdout: out.stdout + text }),
    stderr: (text: string) => void Object.assign(out, { stderr: out.stderr + text }),
    exitWith: own.exitWith,
  };
  const command = program(
    "0.0.0",
    (name, modes, action) =>
      runCommand(streams, name, modes, (terminal) =>
        action({ terminal, clock: person.clock ?? systemClock, sourceDate: person.sourceDate }),
      ),
    own,
  );
  for (const each of [command, ...command.commands, ...command.commands.flatMap((one) => one.commands)]) {
    each.exitOverride().configureOutput({ writeOut: streams.stdout, writeErr: streams.stderr });
  }
  await command
    .parseAsync(args, { from: "user" })
    .catch((error: unknown) => streams.exitWith(parserExitCode(error)));
  return { ...out, asked, shown };
}

/** The same, for steps that have to succeed. */
export async function mustCli(args: readonly string[], person: Person = {}): Promise<Outcome> {
  const done = await cli(args, person);
  if (done.code !== 0)
    throw new Error(`${args.slice(0, 2).join(" ")} ended with ${done.code}: ${done.stderr}`);
  return done;
}

/** With --json, in two types of one's choosing. */
export const jsonOf = <T>(outcome: Outcome): T => JSON.parse(outcome.stdout) as T;
