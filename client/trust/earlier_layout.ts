import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { readIfPresent } from "../../node/files.ts";
import type { LatestTime } from "../../node/transport/freshness.ts";
import { nodeVerifier } from "../../node/verifier.ts";
import type { Sha256Hex } from "../../shared/brand.ts";
import { isCode } from "../../shared/errors.ts";
import { instant } from "../../shared/time.ts";
import { selfSignedRoot } from "../../shared/tuf/trusted_set.ts";
import { forgetKernel, kernelFolders } from "./kernel_folders.ts";

/*
 * Version 0.1.0 stored the newest root, and the digest of the provisioned one, in the folder of each kernel, and took the
 * latest time from when feed.etag was written. Such folders are read until the first poll that verifies has moved all of
 * it to where it belongs, which is one place for the whole host.
 */

const rootFile = (folder: string): string => join(folder, "trust", "root.json");
const provisionedFile = (folder: string): string => join(folder, "provisioned.sha256");

/** Returns the newest root that verifies among those stored under this provisioned root, or undefined. */
export async function earlierRoot(stateDir: string, provisioned: Sha256Hex): Promise<Uint8Array | undefined> {
  let newest: { readonly bytes: Uint8Array; readonly version: number } | undefined;
  for (const folder of await kernelFolders(stateDir)) {
    if ((await readDigest(folder)) !== provisioned) continue;
    const bytes = await readIfPresent(rootFile(folder));
    if (!bytes) continue;
    const version = await versionOf(bytes);
    if (version !== undefined && version > (newest?.version ?? 0)) newest = { bytes, version };
  }
  return newest?.bytes;
}

/** Returns the version of a root; undefined for a damaged file. */
async function versionOf(bytes: Uint8Array): Promise<number | undefined> {
  try {
    return (await selfSignedRoot(bytes, nodeVerifier)).version;
  } catch (error) {
    if (isCode(error, "trust") || isCode(error, "parse")) return undefined;
    throw error;
  }
}

/** Returns when a feed was last verified, for any kernel, and the file that says so. */
export async function earlierTime(stateDir: string): Promise<LatestTime | undefined> {
  let latest: LatestTime | undefined;
  for (const folder of await kernelFolders(stateDir)) {
    const file = join(folder, "feed.etag");
    const at = (await stat(file).catch(() => undefined))?.mtimeMs;
    if (at !== undefined && at > (latest?.at ?? 0)) latest = { at: instant(at), file };
  }
  return latest;
}

/** Tells whether a kernel's folder was filled under another provisioned root than this. */
export async function isEarlierOfAnother(folder: string, provisioned: Sha256Hex): Promise<boolean> {
  const digest = await readDigest(folder);
  return digest !== undefined && digest !== provisioned;
}

/** Removes what is now stored for the whole host, and all that was verified under another provisioned root. */
export async function removeEarlier(stateDir: string, provisioned: Sha256Hex): Promise<void> {
  for (const folder of await kernelFolders(stateDir)) {
    if (await isEarlierOfAnother(folder, provisioned)) await forgetKernel(folder);
    await rm(rootFile(folder), { force: true });
    await rm(provisionedFile(folder), { force: true });
  }
}

async function readDigest(folder: string): Promise<string | undefined> {
  const bytes = await readIfPresent(provisionedFile(folder));
  return bytes && Buffer.from(bytes).toString("latin1").trim();
}
