import { join } from "node:path";
import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import type { MetadataStore } from "../../shared/tuf/refresh.ts";
import type { TopRole } from "../../shared/tuf/schema.ts";
import { readIfPresent, removeDurably, writeDurably } from "../host/files.ts";

/** What a host has verified about its kernel, below <state>/<build-id>/, byte for byte as received. */
export interface TrustDir {
  readonly metadata: MetadataStore;
  readManifest(): Promise<Uint8Array | undefined>;
  writeManifest(bytes: Uint8Array): Promise<void>;
  /** The tag of the bundle that all of this came in. Written last, removed first. */
  readTag(): Promise<string | undefined>;
  writeTag(tag: string): Promise<void>;
  removeTag(): Promise<void>;
  readArtifact(sha256: Sha256Hex): Promise<Uint8Array | undefined>;
  /** Returns the path that it is at. */
  writeArtifact(sha256: Sha256Hex, bytes: Uint8Array): Promise<string>;
}

export function trustDir(stateDir: string, buildId: BuildId): TrustDir {
  const at = (...names: readonly string[]) => join(stateDir, buildId, ...names);
  const role = (name: TopRole) => at("trust", `${name}.json`);
  const manifest = at("manifest.json");
  const tag = at("feed.etag");
  return {
    metadata: {
      read: (name) => readIfPresent(role(name)),
      write: (name, bytes) => writeDurably(role(name), bytes),
      remove: (name) => removeDurably(role(name)),
    },
    readManifest: () => readIfPresent(manifest),
    writeManifest: (bytes) => writeDurably(manifest, bytes),
    readTag: async () =>
      (await readIfPresent(tag).then((bytes) => bytes && Buffer.from(bytes).toString()))?.trim(),
    writeTag: (text) => writeDurably(tag, `${text}\n`),
    removeTag: () => removeDurably(tag),
    readArtifact: (sha256) => readIfPresent(at("artifacts", `${sha256}.ko`)),
    async writeArtifact(sha256, bytes) {
      const path = at("artifacts", `${sha256}.ko`);
      await writeDurably(path, bytes, 0o600);
      return path;
    },
  };
}
