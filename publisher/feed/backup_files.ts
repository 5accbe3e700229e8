import { randomBytes } from "node:crypto";
import { open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ClosedFolder } from "../../node/folder/closed_folder.ts";
import { type BuildId, isBuildId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";

/** A backup is a mirror, and others may have had it: no link in it is followed, to read or to write. */
export const backupFolder = (path: string): ClosedFolder => new ClosedFolder(path);

/** Puts a file in place whole and on the disk, or not at all: a backup may be interrupted at any moment. */
export async function putFile(folder: ClosedFolder, path: string, bytes: Uint8Array): Promise<void> {
  const fresh = `${basename(path)}.${randomBytes(6).toString("hex")}.new`;
  const put = async (at: string) => {
    try {
      const file = await open(`${at}/${fresh}`, "wx", 0o644);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${at}/${fresh}`, `${at}/${basename(path)}`);
    } catch (error) {
      await unlink(`${at}/${fresh}`).catch(() => undefined);
      throw error;
    }
  };
  await folder.within(dirname(path), put).catch((cause: unknown) => {
    if (cause instanceof RebootlessError) throw cause;
    throw new RebootlessError("io", `cannot write ${join(folder.path, path)}`, { cause });
  });
}

/** A file that a backup must have. Throws `trust`. */
export async function readFromBackup(
  folder: ClosedFolder,
  path: string,
  maxBytes: number,
): Promise<Uint8Array> {
  const bytes = await folder.readIfThere(path, maxBytes);
  if (bytes) return bytes;
  throw new RebootlessError("trust", `${path} of the backup is missing, or no plain file of its kind`);
}

/** The kernels that a backup has, rising. */
export async function kernelsIn(folder: ClosedFolder): Promise<readonly BuildId[]> {
  return (await folder.names("kernels")).filter(isBuildId);
}
