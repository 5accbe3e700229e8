import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RebootlessError } from "../../../shared/errors.ts";
import { configuredCompiler } from "./compiler.ts";
import { generatedPaths } from "./generated.ts";
import type { KernelHeaders } from "./headers.ts";

/**
 * The settings that say what programs here can do that C code does not depend on: LLVM's linker and openssl, with which
 * modules are signed (certs/Kconfig, Linux 7.3).
 */
const OF_OTHER_TOOLS = /^CONFIG_(?:LLD_VERSION|OPENSSL_SUPPORTS_\w+)=/;
/** The settings that follow from the compiler, the assembler and the linker. */
const OF_THE_COMPILER =
  /^CONFIG_(?:CC_VERSION_TEXT|(?:GCC|CLANG|AS|LD)_?\w*VERSION\w*|CC_\w+|AS_\w+|LD_\w+|TOOLS_\w+)=/;

/**
 * Refuses a configuration made here that is not the package's, and a compiler that is not the package's.
 * @returns the differences of the compiler, if it is forced.
 * @throws RebootlessError `usage`.
 */
async function configuration(
  out: string,
  headers: KernelHeaders,
  { forceCompiler }: { readonly forceCompiler: boolean },
): Promise<readonly string[]> {
  const made = await readFile(join(out, ".config"), "utf8");
  const [here = "none", theirs = "none"] = [configuredCompiler(made), configuredCompiler(headers.config)];
  const notes = here === theirs ? [] : [`the compiler here is ${here}, but the kernel's was ${theirs}`];
  if (notes[0] !== undefined && !forceCompiler) {
    throw new RebootlessError("usage", notes[0], {
      hint: "Install the kernel's compiler, or compile in a build root that has it: --root. --force-compiler continues with this one, and every replaced function is still compared with the image.",
    });
  }
  const isOwn = (line: string): boolean =>
    !OF_OTHER_TOOLS.test(line) && (notes.length === 0 || !OF_THE_COMPILER.test(line));
  const different = difference(settings(headers.config), settings(made)).filter(isOwn);
  if (different.length === 0) return notes;
  throw new RebootlessError(
    "usage",
    `the configuration made from this source differs from the package's: ${some(different)}`,
    {
      hint: "The source must have exactly the version that the kernel was built from.",
    },
  );
}

/**
 * Refuses an image that another compiler made than the one that the headers are of. Its banner is "Linux version RELEASE
 * (who) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld ...) #1 SMP ...".
 * @throws RebootlessError `usage`.
 */
function image(banner: string, { config }: KernelHeaders): void {
  const compiler = configuredCompiler(config) ?? "none";
  if (banner.includes(`(${compiler}, `)) return;
  throw new RebootlessError(
    "usage",
    `the image was built with ${compilerOf(banner)}, but the headers are of a kernel built with ${compiler}`,
    { hint: "Give the image and the headers of exactly the same version." },
  );
}

const compilerOf = (banner: string): string => /\) \((.*?), (?:GNU ld|LLD)/.exec(banner)?.[1] ?? banner;

const settings = (config: string): ReadonlySet<string> =>
  new Set(config.split("\n").filter((line) => /^CONFIG_\w+=/.test(line)));

const difference = (a: ReadonlySet<string>, b: ReadonlySet<string>): readonly string[] => [
  ...[...a].filter((line) => !b.has(line)),
  ...[...b].filter((line) => !a.has(line)),
];

const some = (all: readonly string[]): string =>
  `${all.slice(0, 4).join(", ")}${all.length > 4 ? ` and ${all.length - 4} more` : ""}`;

/**
 * Refuses generated headers that differ from the package's in any byte, where both have them, save settings that mean
 * nothing to C code: sizes and offsets that assembly uses are among them.
 * @throws RebootlessError `usage`.
 */
async function generated(out: string, headers: KernelHeaders, forced: boolean): Promise<void> {
  const different: string[] = [];
  let compared = 0;
  for (const path of await generatedPaths(headers.flavour)) {
    const isConfiguration = path === "include/generated/autoconf.h";
    if (forced && isConfiguration) continue;
    const made = await readFile(join(out, path), "latin1").catch(() => undefined);
    if (made === undefined) continue;
    compared += 1;
    const shipped = await readFile(join(headers.flavour, path), "latin1");
    const counted = isConfiguration ? ofCode : (text: string) => text;
    if (counted(made) !== counted(shipped)) different.push(path);
  }
  if (different.length === 0 && compared > 0) return;
  throw new RebootlessError(
    "usage",
    compared === 0
      ? `${headers.flavour} has no generated headers`
      : `the headers generated from this source differ from the package's: ${some(different)}`,
    { hint: "The source must have exactly the version that the kernel was built from." },
  );
}

/** Returns the lines of autoconf.h (`#define CONFIG_X 1`) that may mean something to C code. */
const ofCode = (autoconf: string): string =>
  autoconf
    .split("\n")
    .filter((line) => !OF_OTHER_TOOLS.test(line.replace(/^#define (\w+).*$/, "$1=")))
    .join("\n");

/**
 * Refuses a source of another version than the package's common part, whose top makefile names it. Nothing is
 * checked without the common part.
 * @throws RebootlessError `usage`.
 */
async function version(root: string, { common }: KernelHeaders): Promise<void> {
  if (common === undefined) return;
  const [ours, theirs] = [await sourceVersion(root), await sourceVersion(common)];
  if (ours === theirs) return;
  throw new RebootlessError("usage", `the source is Linux ${ours}, but the headers are of ${theirs}`, {
    hint: "The source must have exactly the version that the kernel was built from.",
  });
}

/** Returns the release that the top makefile of a source names: "6.1.192". */
export async function sourceVersion(root: string): Promise<string> {
  const text = await readFile(join(root, "Makefile"), "utf8");
  const part = (name: string): string => new RegExp(`^${name} = *(.*)$`, "m").exec(text)?.[1] ?? "";
  return `${part("VERSION")}.${part("PATCHLEVEL")}.${part("SUBLEVEL")}${part("EXTRAVERSION")}`;
}

export const agreement = { version, configuration, generated, image };
