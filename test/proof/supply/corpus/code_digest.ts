import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { projectRoot } from "../../../support/guest/machine.ts";

/**
 * Returns a digest of the program text in folders of the repository: what is kept of other code does not count.
 * @param isLeftOut says which paths, relative to their folder, do not count.
 */
export async function codeDigest(
  folders: readonly string[],
  isLeftOut: (path: string) => boolean = () => false,
): Promise<string> {
  const hash = createHash("sha256");
  for (const folder of folders) {
    const names = await readdir(join(projectRoot, folder), { recursive: true });
    for (const name of names.filter((each) => /\.(?:tsx?|sh)$/.test(each) && !isLeftOut(each)).sort())
      hash.update(`${name}\0`).update(await readFile(join(projectRoot, folder, name)));
  }
  return hash.digest("hex");
}
