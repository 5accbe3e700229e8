import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isBuildId } from "../../shared/brand.ts";

/**
 * The files in a kernel's folder that come from one feed. Artifacts are not among them, because they are
 * verified by their own digests. In receipt.json, version 0.1.0 stored the digest of what had verified;
 * nothing reads it any more.
 */
const OF_ONE_FEED = ["feed.etag", "receipt.json", "trust", "manifest.json", "provisioned.sha256"];

/** Returns the folders of all kernels whose feed this host has verified. */
export async function kernelFolders(stateDir: string): Promise<readonly string[]> {
  const names = await readdir(stateDir).catch((): string[] => []);
  return names.filter(isBuildId).map((name) => join(stateDir, name));
}

/** Removes all that was verified for a kernel, except its artifacts. */
export async function forgetKernel(folder: string): Promise<void> {
  for (const name of OF_ONE_FEED) await rm(join(folder, name), { recursive: true, force: true });
}
