import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readNamed } from "../../node/files.ts";
import { MAX_ROOT_BYTES } from "../../shared/limits.ts";
import { rootVersions } from "../feed/publisher_folder.ts";

/**
 * Reads the root that a signer holds. It is the file that was named or the newest in the folder that was named; or else
 * the newest in the key's own folder, in `root/` inside that, or in `root/` next to that, as in a publisher's folder.
 */
export async function heldRoot(
  named: string | undefined,
  keyPath: string | undefined,
): Promise<Uint8Array | undefined> {
  if (named !== undefined) return (await newestIn([named, join(named, "root")])) ?? readRootFile(named);
  if (keyPath === undefined) return undefined;
  const folder = dirname(keyPath);
  return newestIn([folder, join(folder, "root"), join(folder, "..", "root")]);
}

const readRootFile = (path: string): Promise<Uint8Array> => readNamed(path, MAX_ROOT_BYTES);

async function newestIn(folders: readonly string[]): Promise<Uint8Array | undefined> {
  for (const folder of folders) {
    const isFolder = await stat(folder).then(
      (status) => status.isDirectory(),
      () => false,
    );
    const newest = isFolder ? (await rootVersions(folder)).at(-1) : undefined;
    if (newest !== undefined) return readRootFile(join(folder, `${newest}.root.json`));
  }
  return undefined;
}
