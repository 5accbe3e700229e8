import { mustRun, type ProgramOptions, type ProgramResult, runProgram } from "../../../node/processes.ts";

/** Runs a program that compiling needs; see `runProgram`. */
export const runBuildTool = (
  name: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> => runProgram(name, args, { hint: hintFor(name), ...options });

/** Runs a program that compiling needs and that must succeed; see `mustRun`. */
export const mustRunBuildTool = (
  name: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<string> => mustRun(name, args, { hint: hintFor(name), ...options });

const hintFor = (name: string): string =>
  `Install ${name}: docs/patch-authors.md lists what compiling needs.`;
