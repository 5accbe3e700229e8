import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { writeWhole } from "../../../node/files.ts";
import { lastLines } from "../../../node/processes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { runBuildTool } from "./build_tools.ts";

/**
 * An index of the `#include` lines of a source tree: for the last part of an included name, entries of the
 * file that includes it, the name as written, and the path if it is certain, separated by NULs.
 */
export type IncludeIndex = ReadonlyMap<string, readonly string[]>;

/** The paths of files that are compiled for this architecture's kernel. */
const COMPILED = /^(?!Documentation\/|tools\/|scripts\/|samples\/|arch\/(?!x86\/))/;
const INCLUDE = /^(.+?):\s*#\s*include\s+(["<])([^">\n]{1,200})[">]/;
/** The most includes that are read. A 6.x tree has some 600,000. */
const MAX_INCLUDES = 4_000_000;

/**
 * Reads the includes of a tree.
 * @param names a pattern (POSIX, extended) for the included names.
 * @throws RebootlessError `limit`, `io`.
 */
async function readIncludes(tree: string, names: string): Promise<IncludeIndex> {
  const index = new Map<string, string[]>();
  let count = 0;
  const add = (line: string): void => {
    const [, path, quote, name] = INCLUDE.exec(line) ?? [];
    if (path === undefined || name === undefined || !COMPILED.test(path)) return;
    const last = posix.basename(name);
    // A name in quotation marks is looked for beside the file that includes it first.
    const beside = quote === '"' ? besideOf(path, name) : undefined;
    const isCertain = beside !== undefined && existsSync(join(tree, beside));
    const entry = isCertain ? `${path}\0${name}\0${beside}` : `${path}\0${name}`;
    const known = index.get(last);
    if (known === undefined) index.set(last, [entry]);
    else known.push(entry);
    count += 1;
  };
  const files = [
    "--include=*.c",
    "--include=*.h",
    "--include=*.S",
    "--exclude-dir=Documentation",
    "--exclude-dir=tools",
  ];
  const roots = ROOTS.filter((root) => existsSync(join(tree, root)));
  const { code, stderr } = await runBuildTool(
    "grep",
    ["-rEoH", ...files, `^[[:space:]]*#[[:space:]]*include[[:space:]]+["<]${names}[">]`, ...roots],
    { cwd: `${tree}/`, onLine: add },
  );
  if (count > MAX_INCLUDES) throw new RebootlessError("limit", `more than ${MAX_INCLUDES} includes`);
  if (code < 2) return index;
  throw new RebootlessError("io", "grep cannot read the source tree", { output: lastLines(stderr, 5) });
}

/** The folders of code in the kernel's top folder. Not every version has all of them. */
const ROOTS = [
  "arch/x86",
  "block",
  "certs",
  "crypto",
  "drivers",
  "fs",
  "include",
  "init",
  "io_uring",
  "ipc",
  "kernel",
  "lib",
  "mm",
  "net",
  "rust",
  "security",
  "sound",
  "usr",
  "virt",
] as const;

/** Returns the files that include .c files, as a few units do. They are quick to find. */
export const includedSources = (tree: string): Promise<IncludeIndex> => readIncludes(tree, '[^">]+[.]c');

/** Reads all includes of a tree, which takes some seconds. */
export const includesIn = (tree: string): Promise<IncludeIndex> => readIncludes(tree, '[^">]+');

/** Reads the index that an earlier run left, or makes it. */
export async function includesOf(tree: string, folder: string): Promise<IncludeIndex> {
  const file = join(folder, "includes.json");
  const kept = await readFile(file, "utf8").catch(() => undefined);
  if (kept !== undefined) return new Map(JSON.parse(kept) as [string, string[]][]);
  const index = await includesIn(tree);
  writeWhole(file, JSON.stringify([...index]));
  return index;
}

/**
 * Returns the units that include `path`, themselves or through others, or undefined if there are more than
 * `most`. It goes by names alone, so the result may have more units than compile `path`, but never fewer.
 */
export function includersOf(
  index: IncludeIndex,
  path: string,
  isUnit: (file: string) => boolean,
  most: number,
): readonly string[] | undefined {
  const found = new Set<string>();
  const units: string[] = [];
  const queue = [path];
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    for (const entry of index.get(posix.basename(next)) ?? []) {
      const [includer = "", name = "", certain] = entry.split("\0");
      const isMeant = certain === undefined ? mayMean(includer, name, next) : certain === next;
      if (found.has(includer) || !isMeant) continue;
      found.add(includer);
      queue.push(includer);
      if (isUnit(includer)) units.push(includer);
      if (units.length > most) return undefined;
    }
  }
  return units;
}

const besideOf = (includer: string, name: string): string => posix.normalize(`${dirname(includer)}/${name}`);

/**
 * Reports whether `#include "name"` in a file may mean `path`. Besides the usual places, a makefile may add
 * any folder with -I.
 */
export function mayMean(includer: string, name: string, path: string): boolean {
  if (besideOf(includer, name) === path) return true;
  const plain = posix.normalize(name).replace(/^(?:\.\.\/)+/, "");
  return path === plain || path.endsWith(`/${plain}`);
}
