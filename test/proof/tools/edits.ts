import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { RebootlessError } from "../../../shared/errors.ts";

/** What every module of the proof makes /proc/cmdline and the file of the sample module say. */
export const MARK = "rebootless was here";

/** A statement of ours that is put in front of a function's own. */
export interface Edit {
  readonly path: string;
  readonly fn: string;
  readonly statement: string;
}

/** One function of the kernel itself, and one of a module. */
export const EDITS: readonly Edit[] = [
  { path: "fs/proc/cmdline.c", fn: "cmdline_proc_show", statement: `seq_puts(m, "${MARK} ");` },
  {
    path: "samples/kobject/kobject-example.c",
    fn: "foo_show",
    statement: `if (kobj) return sysfs_emit(buf, "${MARK}\\n");`,
  },
];

/** Puts the statement behind the brace that opens the function. @throws RebootlessError `unsupported` if it is not there. */
export function edited(source: string, { path, fn, statement }: Edit): string {
  const head = new RegExp(`^[^\\n;]*\\b${fn}\\([^;{]*\\)\\n\\{\\n`, "m").exec(source);
  if (head === null) throw new RebootlessError("unsupported", `${path} has no function ${fn}`);
  const body = head.index + head[0].length;
  return `${source.slice(0, body)}\t${statement}\n${source.slice(body)}`;
}

/** Writes the edits of a tree as one patch, as a person would make it with diff. */
export async function writePatch(tree: string, target: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "rebootless-edits-"));
  try {
    for (const edit of EDITS) {
      for (const side of ["a", "b"]) await mkdir(dirname(join(folder, side, edit.path)), { recursive: true });
      await copyFile(join(tree, edit.path), join(folder, "a", edit.path));
      await writeFile(
        join(folder, "b", edit.path),
        edited(await readFile(join(tree, edit.path), "utf8"), edit),
      );
    }
    await writeFile(target, await difference(folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** diff ends with 1 where there is a difference, as there is. */
async function difference(folder: string): Promise<string> {
  const options = { cwd: folder, env: { ...process.env, LC_ALL: "C", TZ: "UTC" } };
  const outcome: unknown = await promisify(execFile)("diff", ["-Nupr", "a", "b"], options).catch(
    (error: unknown) => error,
  );
  if (outcome instanceof Error && "stdout" in outcome && String(outcome.stdout) !== "")
    return String(outcome.stdout);
  throw new RebootlessError("io", "the edits make no difference", { cause: outcome });
}
