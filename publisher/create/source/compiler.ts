import { RebootlessError } from "../../../shared/errors.ts";
import type { BuildRunner } from "../builder/build_place.ts";

/** Returns what the compiler that a kernel was configured with said of itself, as the configuration has it. */
export const configuredCompiler = (config: string): string | undefined =>
  /^CONFIG_CC_VERSION_TEXT="(.*)"$/m.exec(config)?.[1];

/** The compiler that a kernel was built with, by what it said of itself. */
export interface KernelCompiler {
  /** The first line of `PROGRAM --version`, such as "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0". */
  readonly text: string;
  /** The name by which it was called: "x86_64-linux-gnu-gcc-14". */
  readonly program: string;
  /** The distribution that packaged it and the version of the package, if it says so. */
  readonly packaged: PackagedCompiler | undefined;
}

/** A compiler as a package of a distribution. */
export interface PackagedCompiler {
  readonly distribution: string;
  /** "gcc-14" for "x86_64-linux-gnu-gcc-14". */
  readonly name: string;
  readonly version: string;
}

/**
 * Returns the compiler that a kernel was configured with, or undefined if the configuration names no program.
 * @param config the kernel's configuration.
 */
export function kernelCompiler(config: string): KernelCompiler | undefined {
  const text = configuredCompiler(config) ?? "";
  const program = programOf(text);
  if (program === undefined) return undefined;
  const name = program.replace(/^[a-z0-9_]+-linux-gnu-/, "");
  const [, distribution, version] = /^\S+ \((Debian|Ubuntu) ([0-9][A-Za-z0-9.+:~-]*)\) /.exec(text) ?? [];
  const packaged =
    distribution === undefined || version === undefined ? undefined : { distribution, name, version };
  return { text, program, packaged };
}

/**
 * Returns the name of the program that a version text begins with, or undefined if it begins with none. gcc gives the
 * name by which it was called, and clang ("Debian clang version 14.0.6") gives its own.
 */
function programOf(text: string): string | undefined {
  if (/\bclang version \d/.test(text)) return "clang";
  return /^([A-Za-z0-9][\w.+-]*)(?: |$)/.exec(text)?.[1];
}

/**
 * Returns what a kernel's compiler says of itself where programs run that compile: the first line of
 * `PROGRAM --version`. kbuild configures a tree again when this line changes.
 * @param config the kernel's configuration.
 * @throws RebootlessError `unsupported` if the compiler is not there.
 */
export async function installedCompiler(config: string, run: BuildRunner): Promise<string> {
  const compiler = kernelCompiler(config);
  return compiler === undefined ? "" : compilerVersion(compiler, run);
}

async function compilerVersion({ text, program }: KernelCompiler, run: BuildRunner): Promise<string> {
  const name = program.replace(/^[a-z0-9_]+-linux-gnu-/, "");
  const missing = (options: { readonly cause?: unknown; readonly output?: readonly string[] }) =>
    new RebootlessError("unsupported", `this kernel was built with ${text}, which is not here`, {
      hint: `Install the package ${name}. With --root, a build root gets the compiler of another release: docs/patch-authors.md says more.`,
      ...options,
    });
  const { code, stdout, stderr } = await run(program, ["--version"]).catch((cause: unknown) => {
    throw missing({ cause });
  });
  if (code !== 0) throw missing({ output: [stderr.trim()] });
  return stdout.split("\n", 1)[0] ?? "";
}
