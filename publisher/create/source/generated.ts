import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

/** The folders in which kbuild puts the headers that it makes. */
const GENERATED = ["include/generated", "arch/x86/include/generated"] as const;
/** The headers that describe the build itself. Only the banner is made from them. */
const OF_THE_BUILD = /\/(?:compile|package|utsversion)\.h$/;

/** Returns the paths of generated headers below a build folder, relative to it and in order. */
export async function generatedPaths(out: string): Promise<readonly string[]> {
  const found: string[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(out, folder), { withFileTypes: true }).catch(() => [])) {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) await visit(path);
      else if (path.endsWith(".h") && !OF_THE_BUILD.test(path)) found.push(path);
    }
  };
  for (const folder of GENERATED) await visit(folder);
  return found.sort();
}

/** Returns a digest of all generated headers. */
export async function generatedFiles(out: string): Promise<string> {
  const hash = createHash("sha256");
  for (const path of await generatedPaths(out)) hash.update(path).update(await readFile(join(out, path)));
  return hash.digest("hex");
}
