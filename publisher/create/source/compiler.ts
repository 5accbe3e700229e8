import { RebootlessError } from "../../../shared/errors.ts";
import { runBuildTool } from "./build_tools.ts";

/** Returns what the compiler that a kernel was configured with said of itself, as the configuration has it. */
export const configuredCompiler = (config: string): string | undefined =>
  /^CONFIG_CC_VERSION_TEXT="(.*)"$/m.exec(config)?.[1];

/**
 * Returns what the compiler that a kernel was configured with says of itself here: the first line of
 * `PROGRAM --version`, such as "gcc-12 (Debian 12.2.0-14+deb12u1) 12.2.0". kbuild configures a tree again when this
 * line changes.
 * @param config the kernel's configuration.
 * @throws RebootlessError `unsupported` if the compiler is not installed.
 */
export async function installedCompiler(config: string): Promise<string> {
  const text = configuredCompiler(config) ?? "";
  const program = programOf(text);
  if (program === undefined) return "";
  try {
    const { stdout } = await runBuildTool(program, ["--version"]);
    return stdout.split("\n", 1)[0] ?? "";
  } catch (cause) {
    throw new RebootlessError("unsupported", `this kernel was built with ${text}, which is not here`, {
      cause,
      hint: `Install the package ${packageOf(program)}. For the compiler of another distribution or release, run this command in a root of it: docs/patch-authors.md shows how.`,
    });
  }
}

/**
 * Returns the name of the program that a version text begins with, or undefined if it begins with none. gcc gives the
 * name by which it was called, and clang ("Debian clang version 14.0.6") gives its own.
 */
function programOf(text: string): string | undefined {
  if (/\bclang version \d/.test(text)) return "clang";
  return /^([A-Za-z0-9][\w.+-]*)(?: |$)/.exec(text)?.[1];
}

/** Returns the Debian package of a compiler: "gcc-14" for "x86_64-linux-gnu-gcc-14". */
const packageOf = (program: string): string => program.replace(/^[a-z0-9_]+-linux-gnu-/, "");
