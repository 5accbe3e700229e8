/** What a package installs, in one form for every package format. Paths are relative to the root of the host. */
export type Entry = FileEntry | LinkEntry | DirectoryEntry;

export interface FileEntry {
  readonly kind: "file";
  readonly path: string;
  /** Permissions. */
  readonly mode: number;
  readonly bytes: Uint8Array;
  /** The administrator's from then on: an upgrade does not replace what was changed. */
  readonly config?: true;
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

/** Sorted by path, so that a package is the same however its contents were gathered. */
export const sorted = <T extends Entry>(entries: readonly T[]): T[] =>
  [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));

/** With every folder above an entry that is not listed itself. */
export function withParents(entries: readonly Entry[]): Entry[] {
  const listed = new Set(entries.map((entry) => entry.path));
  const parents = new Set<string>();
  for (const { path } of entries) {
    for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) {
      const parent = path.slice(0, at);
      if (!listed.has(parent)) parents.add(parent);
    }
  }
  return sorted([...entries, ...[...parents].map((path) => ({ kind: "directory", path }) as const)]);
}
