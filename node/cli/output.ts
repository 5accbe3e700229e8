import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { RebootlessError } from "../../shared/errors.ts";
import { writeDurably } from "../files.ts";
import type { Terminal } from "./terminal.ts";

/** Where a command's document goes: to a file, which is replaced whole, or to stdout. */
export async function putOut(terminal: Terminal, file: string | undefined, text: string): Promise<void> {
  if (file === undefined) return terminal.document(text);
  await writeNamed(file, text.endsWith("\n") ? text : `${text}\n`);
}

/**
 * Writes a file that somebody named, whole or not at all. Its folder must be there: one that was misspelt would be made,
 * and nobody would notice. What is there and is no file (/dev/null) is not replaced. Throws `usage`.
 */
export async function writeNamed(file: string, bytes: Uint8Array | string): Promise<void> {
  await requireFolder(file);
  const path = resolve(file);
  const present = await lookAt(path);
  if (present && !present.isFile()) throw new RebootlessError("usage", `${file} is there, and is not a file`);
  await writeDurably(path, bytes);
}

/** Before the work that makes the file is done. Throws `usage` where there is one, unless that is to be replaced. */
export async function requireNew(file: string, replace = false): Promise<void> {
  await requireFolder(file);
  if (replace || !(await lookAt(file))) return;
  throw new RebootlessError("usage", `${file} is there already`, { hint: "`--force` replaces it." });
}

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
