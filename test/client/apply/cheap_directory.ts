import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readIfPresent } from "../../../client/host/files.ts";
import { type TrustDir, trustDir } from "../../../client/trust/trust_dir.ts";
import { buildId } from "../../../shared/brand.ts";

/** A cache whose modules are written without care: durability is another test's matter, and takes most of the time. */
export const cheapDirectory = (folder: string): TrustDir => ({
  ...trustDir(folder, buildId("ab".repeat(20))),
  artifactPath: (sha256) => join(folder, `${sha256}.ko`),
  readArtifact: (sha256) => readIfPresent(join(folder, `${sha256}.ko`)),
  writeArtifact: async (sha256, bytes) => {
    const path = join(folder, `${sha256}.ko`);
    await writeFile(path, bytes);
    return path;
  },
});
