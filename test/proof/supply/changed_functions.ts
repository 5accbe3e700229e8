import { execFile } from "node:child_process";
import { join } from "node:path";

/**
 * Returns the functions of a file in which two trees differ, as diff(1) finds them (-p): for each hunk the last line
 * before it that begins in the first column. It names a change of data by what stands before.
 */
export async function changedFunctions(from: string, to: string, path: string): Promise<ReadonlySet<string>> {
  const diff = await difference(join(from, path), join(to, path));
  const names = [...diff.matchAll(/^@@ [^@]+@@ ?(.*)$/gm)].map(([, context = ""]) => nameIn(context));
  return new Set(names.map((name) => `${path} ${name}`));
}

const nameIn = (context: string): string => /(\w+)\s*\(/.exec(context)?.[1] ?? context.trim();

/** diff(1) ends with 1 where files differ. A file that one tree lacks differs in no function. */
function difference(before: string, after: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { encoding: "latin1", maxBuffer: 64 << 20 } as const;
    execFile("diff", ["-a", "-U0", "-p", before, after], options, (error, stdout) => {
      if (error === null || error.code === 1 || error.code === 2) resolve(stdout);
      else reject(error);
    });
  });
}
