import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TrustDir, trustDir } from "../../../client/trust/trust_dir.ts";
import { openOwnFile } from "../../../node/own_file.ts";
import { buildId } from "../../../shared/brand.ts";
import { MAX_ARTIFACT_BYTES } from "../../../shared/limits.ts";

/** A cache whose modules are written without care: durability is another test's matter, and takes most of the time. */
export const cheapDirectory = (folder: string): TrustDir => ({
  ...trustDir(folder, buildId("ab".repeat(20)), new Uint8Array()),
  openArtifact: (sha256) => openOwnFile(join(folder, `${sha256}.ko`), MAX_ARTIFACT_BYTES),
  writeArtifact: (sha256, bytes) => writeFile(join(folder, `${sha256}.ko`), bytes),
});
