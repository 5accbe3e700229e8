import { randomBytes } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type BuildId, isBuildId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { readBounded } from "./read_bounded.ts";

/** A file of a backup, if it is there. Throws `limit`. */
export async function readIfThere(path: string, maxBytes: number): Promise<Uint8Array | undefined> {
  return (await lengthOf(path)) === undefined ? undefined : readBounded(path, maxBytes);
}

/** Bytes of a file; undefined where there is none. */
export const lengthOf = (path: string): Promise<number | undefined> =>
  stat(path).then(
    (status) => (status.isFile() ? status.size : undefined),
    () => undefined,
  );

/** Puts a file in place whole and on the disk, or not at all: a backup may be interrupted at any moment. */
export async function putFile(path: string, bytes: Uint8Array): Promise<void> {
  const fresh = `${path}.${randomBytes(6).toString("hex")}.new`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(fresh, "wx", 0o644);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(fresh, path);
  } catch (cause) {
    await rm(fresh, { force: true });
    throw new RebootlessError("io", `cannot write ${path}`, { cause });
  }
}

/** The kernels that a backup has, rising. */
export async function kernelsIn(folder: string): Promise<readonly BuildId[]> {
  const names = await readdir(join(folder, "kernels")).catch((): string[] => []);
  return names.filter(isBuildId).sort();
}
