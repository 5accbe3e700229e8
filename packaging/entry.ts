import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A file, link or folder that a package installs. Its path is relative to the root of the host. */
export type Entry = FileEntry | LinkEntry | DirectoryEntry;

export interface FileEntry {
  readonly kind: "file";
  readonly path: string;
  /** The permissions of the file. */
  readonly mode: number;
  readonly bytes: Uint8Array;
}

export interface LinkEntry {
  readonly kind: "link";
  readonly path: string;
  readonly target: string;
}

export interface DirectoryEntry {
  readonly kind: "directory";
  readonly path: string;
}

/** Writes the tree of a package below an empty folder, with modes that no umask changes. */
export async function writeEntries(folder: string, entries: readonly Entry[]): Promise<void> {
  await chmod(folder, 0o755);
  for (const path of folders(entries)) {
    await mkdir(join(folder, path));
    await chmod(join(folder, path), 0o755);
  }
  for (const entry of entries) {
    const path = join(folder, entry.path);
    if (entry.kind === "link") await symlink(entry.target, path);
    if (entry.kind !== "file") continue;
    await writeFile(path, entry.bytes);
    await chmod(path, entry.mode);
  }
}

/** Lists every folder that is an entry or contains one, outer folders first. */
function folders(entries: readonly Entry[]): string[] {
  const found = new Set<string>();
  for (const { kind, path } of entries) {
    let folder = kind === "directory" ? path : dirname(path);
    for (; folder !== "."; folder = dirname(folder)) found.add(folder);
  }
  return [...found].sort();
}
