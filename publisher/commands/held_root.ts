import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readNamed } from "../../node/files.ts";
import { MAX_ROOT_BYTES } from "../../shared/limits.ts";
import { rootVersions } from "../feed/publisher_folder.ts";

/**
 * The root that a signer holds: the file or folder that was named, or the newest beside the key: in its own
 * folder, or in `root/` next to that, as a publisher's folder has it.
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
