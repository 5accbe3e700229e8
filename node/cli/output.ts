import { lstat, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { RebootlessError } from "../../shared/errors.ts";
import { createDurably, writeDurably } from "../files.ts";
import type { Terminal } from "./terminal.ts";

/** Writes a command's document to a file, which is replaced whole, or to stdout. */
export async function putOut(terminal: Terminal, file: string | undefined, text: string): Promise<void> {
  if (file === undefined) return terminal.document(text);
  await writeNamed(file, text.endsWith("\n") ? text : `${text}\n`);
}

/**
 * Writes a file that the user named, whole or not at all. Its folder must exist: if a misspelt folder were made, no
 * one would notice. Something that is not a file (/dev/null) is written to, and not replaced.
 *
 * @throws RebootlessError `usage`, `io`.
 */
export async function writeNamed(file: string, bytes: Uint8Array | string): Promise<void> {
  await requireFolder(file);
  const path = resolve(file);
  const present = await lookAt(path);
  if (present && !present.isFile()) throw new RebootlessError("usage", `${file} is there, and is not a file`);
  await writeDurably(path, bytes);
}

/**
 * Writes a file that must not exist yet.
 *
 * @throws RebootlessError `usage`.
 */
export async function writeNew(file: string, bytes: Uint8Array): Promise<void> {
  await createDurably(file, bytes).catch((cause: unknown) => {
    throw new RebootlessError("usage", `cannot make ${file}`, { cause, hint: ANOTHER_PLACE });
  });
}

/**
 * Refuses a file that exists, unless it may be replaced. It is called before the work that makes the file.
 *
 * @throws RebootlessError `usage`.
 */
export async function requireNew(file: string, replace = false): Promise<void> {
  await requireFolder(file);
  if (replace || !(await lookAt(file))) return;
  throw new RebootlessError("usage", `${file} is there already`, { hint: "`--force` replaces it." });
}

/**
 * Refuses files that exist before any of them is made, for commands that replace nothing. Files that belong together
 * are of no use if only half of them are written.
 *
 * @throws RebootlessError `usage`.
 */
export async function requireAbsent(...files: readonly string[]): Promise<void> {
  for (const file of files) {
    const present = await lstat(file).catch(() => undefined);
    if (present) throw new RebootlessError("usage", `${file} is there already`, { hint: ANOTHER_PLACE });
  }
}

const ANOTHER_PLACE = "Nothing is overwritten: choose another place.";

async function requireFolder(file: string): Promise<void> {
  const folder = dirname(resolve(file));
  const found = await lookAt(folder);
  if (!found?.isDirectory()) {
    const problem = found ? "is not a folder" : "is not there";
    throw new RebootlessError("usage", `cannot write ${file}: ${folder} ${problem}`, {
      hint: "Make the folder first, or name another one.",
    });
  }
}

const lookAt = (path: string) => stat(path).catch(() => undefined);
