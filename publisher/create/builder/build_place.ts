import { type ProgramResult, runProgram } from "../../../node/processes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { runBuildTool } from "../source/build_tools.ts";

/** The options of a program that compiles, as far as all places know them. */
export interface BuildRunOptions {
  /** The variables in addition to those that all programs get. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each line of stdout as it comes. */
  readonly onLine?: (line: string) => void;
}

/** Runs a program to its end. A bad exit code is a result, and not an error. */
export type BuildRunner = (
  name: string,
  args: readonly string[],
  options?: BuildRunOptions,
) => Promise<ProgramResult>;

/** The folders that programs at work need, which they find at the same paths as this program does. */
export interface SharedFolders {
  /** The kernel's source, which is only read. */
  readonly source: string;
  /** The prepared tree, in which objects are made. */
  readonly work: string;
}

/** Where the kernel's makefiles and compiler run: on this machine, in a build root, or behind a command. */
export interface BuildPlace {
  /** What tells this place from others. A tree that was prepared in one place is used in no other. */
  readonly identity: string;
  /** Returns what runs programs there. @param folders are needed by all programs that do more than name their version. */
  runner(folders?: SharedFolders): BuildRunner;
  /** Lets go of the place when nothing runs there any more. */
  release(): void;
}

/** This machine itself. */
export const THIS_MACHINE: BuildPlace = {
  identity: "this machine",
  runner: () => runBuildTool,
  release: () => undefined,
};

/**
 * Returns the place behind a command, to which each program and its arguments are appended, with `env` before them.
 * @param command the words of the command, of which there is at least one.
 * @param hint what to do if the command itself cannot be run.
 */
export function behindCommand(command: readonly string[], hint: string): BuildRunner {
  const [program = "env", ...words] = command;
  return (name, args, { env = {}, ...options } = {}) =>
    runProgram(program, [...words, ...inEnvironment(env), name, ...args], { hint, ...options });
}

/** Returns a call of env(1), because not every command hands its own variables on. */
const inEnvironment = (env: Readonly<Record<string, string>>): readonly string[] => [
  "env",
  "LC_ALL=C",
  ...Object.entries(env).map(([name, value]) => `${name}=${value}`),
];

/**
 * Returns the place that the author's own command leads to, such as "podman exec build".
 * @throws RebootlessError `usage`.
 */
export function givenPlace(command: string): BuildPlace {
  const words = commandWords(command);
  const hint = `It is the beginning of --builder ${JSON.stringify(command)}.`;
  return {
    identity: `behind ${JSON.stringify(words)}`,
    runner: () => behindCommand(words, hint),
    release: () => undefined,
  };
}

/**
 * Splits a command into words at spaces, as a shell does: quotes of both kinds and backslashes keep what they stand for.
 * Nothing else has a meaning: there are no variables, patterns and pipes.
 * @throws RebootlessError `usage` for a command without a word, and for a quote that does not end.
 */
export function commandWords(command: string): readonly string[] {
  const words: string[] = [];
  let rest = command.trimStart();
  while (rest !== "") {
    const [whole = "", body = ""] =
      /^((?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+)(?:\s+|$)/s.exec(rest) ?? [];
    if (whole === "")
      throw new RebootlessError("usage", `--builder: a quote does not end in ${JSON.stringify(rest)}`);
    words.push(unquoted(body));
    rest = rest.slice(whole.length);
  }
  if (words.length > 0) return words;
  throw new RebootlessError("usage", "--builder: the command is empty");
}

const unquoted = (word: string): string =>
  word.replaceAll(
    /\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)"/gs,
    (_, escaped, single, double) => escaped ?? single ?? double.replaceAll(/\\(["\\$`])/g, "$1"),
  );
