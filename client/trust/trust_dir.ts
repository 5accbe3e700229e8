import { statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import { type Instant, instant } from "../../shared/time.ts";
import type { MetadataStore } from "../../shared/tuf/refresh.ts";
import { readIfPresent, removeDurably, writeDurably } from "../host/files.ts";
import { metadataFolder } from "./folders.ts";

/** What a host has verified about its kernel, below <state>/<build-id>/, byte for byte as received. */
export interface TrustDir {
  readonly metadata: MetadataStore;
  readManifest(): Promise<Uint8Array | undefined>;
  writeManifest(bytes: Uint8Array): Promise<void>;
  readReceipt(): Promise<Uint8Array | undefined>;
  writeReceipt(bytes: Uint8Array): Promise<void>;
  /** The tag of the bundle that all of this came in. Written last, removed first. */
  readTag(): Promise<string | undefined>;
  writeTag(tag: string): Promise<void>;
  removeTag(): Promise<void>;
  /** When the tag was written, by the clock that this host had then. */
  lastVerifiedAt(): Promise<Instant | undefined>;
  /** Digest of the provisioned root under which all of this was verified. */
  readProvisioned(): Promise<string | undefined>;
  writeProvisioned(root: Sha256Hex): Promise<void>;
  /** All but the artifacts, which are judged by their own digests. */
  forget(): Promise<void>;
  artifactPath(sha256: Sha256Hex): string;
  readArtifact(sha256: Sha256Hex): Promise<Uint8Array | undefined>;
  /** Returns the path that it is at. */
  writeArtifact(sha256: Sha256Hex, bytes: Uint8Array): Promise<string>;
}

/** RFC 9110 section 8.8.3, in ASCII. Anything else is damage, and could not be sent in a header. */
const ENTITY_TAG = /^(?:W\/)?"[\x21\x23-\x7e]*"$/;

export function trustDir(stateDir: string, buildId: BuildId): TrustDir {
  const at = (...names: readonly string[]) => join(stateDir, buildId, ...names);
  const manifest = at("manifest.json");
  const provisioned = at("provisioned.sha256");
  const receipt = at("receipt.json");
  const tag = at("feed.etag");
  const artifactPath = (sha256: Sha256Hex) => at("artifacts", `${sha256}.ko`);
  return {
    artifactPath,
    metadata: metadataFolder(at("trust")),
    readManifest: () => readIfPresent(manifest),
    writeManifest: (bytes) => writeDurably(manifest, bytes),
    readReceipt: () => readIfPresent(receipt),
    writeReceipt: (bytes) => writeDurably(receipt, bytes),
    async readTag() {
      const text = await readIfPresent(tag).then(
        (bytes) => bytes && Buffer.from(bytes).toString("latin1").trim(),
      );
      return text !== undefined && ENTITY_TAG.test(text) ? text : undefined;
    },
    writeTag: (text) => writeDurably(tag, `${text}\n`),
    removeTag: () => removeDurably(tag),
    async lastVerifiedAt() {
      const found = statSync(tag, { throwIfNoEntry: false });
      return found && instant(found.mtimeMs);
    },
    readProvisioned: async () =>
      (
        await readIfPresent(provisioned).then((bytes) => bytes && Buffer.from(bytes).toString("latin1"))
      )?.trim(),
    writeProvisioned: (root) => writeDurably(provisioned, `${root}\n`),
    async forget() {
      for (const name of ["feed.etag", "receipt.json", "trust", "manifest.json", "provisioned.sha256"]) {
        await rm(at(name), { recursive: true, force: true });
      }
    },
    readArtifact: (sha256) => readIfPresent(artifactPath(sha256)),
    async writeArtifact(sha256, bytes) {
      const path = artifactPath(sha256);
      await writeDurably(path, bytes, 0o600);
      return path;
    },
  };
}
