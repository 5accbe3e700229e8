import { mustRun, type ProgramOptions, type ProgramResult, runProgram } from "../../../node/processes.ts";

/**
 * Returns the options of a program that compiling needs. Its environment has TMPDIR besides what all programs get, and
 * nothing that kbuild heeds: KCFLAGS, CC, LLVM, ARCH, MAKEFLAGS or KBUILD_*.
 */
function buildOptions(name: string, { env, ...options }: ProgramOptions): ProgramOptions {
  const folder = process.env["TMPDIR"];
  return { hint: hintFor(name), env: { ...(folder && { TMPDIR: folder }), ...env }, ...options };
}

/** Runs a program that compiling needs; see `runProgram`. */
export const runBuildTool = (
  name: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> => runProgram(name, args, buildOptions(name, options));

/** Runs a program that compiling needs and that must succeed; see `mustRun`. */
export const mustRunBuildTool = (
  name: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<string> => mustRun(name, args, buildOptions(name, options));

const hintFor = (name: string): string =>
  `Install ${name}: docs/patch-authors.md lists what compiling needs.`;
