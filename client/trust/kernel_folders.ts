import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isBuildId } from "../../shared/brand.ts";

/**
 * What a kernel's folder keeps of one feed; its artifacts are judged by their own digests, and stay. Version 0.1.0 kept
 * the digest of what had verified in receipt.json.
 */
const OF_ONE_FEED = ["feed.etag", "receipt.json", "trust", "manifest.json", "provisioned.sha256"];

/** The folders of all kernels that this host has verified something for. */
export async function kernelFolders(stateDir: string): Promise<readonly string[]> {
  const names = await readdir(stateDir).catch((): string[] => []);
  return names.filter(isBuildId).map((name) => join(stateDir, name));
}

/** Removes all that was verified for a kernel, but for its artifacts. */
export async function forgetKernel(folder: string): Promise<void> {
  for (const name of OF_ONE_FEED) await rm(join(folder, name), { recursive: true, force: true });
}
