import { join } from "node:path";
import { readIfPresent, removeDurably, writeDurably } from "../../node/files.ts";
import { type OpenBytes, openOwnFile } from "../../node/own_file.ts";
import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import { MAX_ARTIFACT_BYTES } from "../../shared/limits.ts";
import type { MetadataStore } from "../../shared/tuf/refresh.ts";
import { type HostTrust, hostTrust } from "./host_trust.ts";
import { metadataFolder } from "./metadata_folder.ts";

/**
 * The folder of what a host has verified about its kernel, <state>/<build-id>/. Files are stored byte for
 * byte as received.
 */
export interface TrustDir {
  /** The kernel's metadata. Its root is the one that the host keeps for all kernels. */
  readonly metadata: MetadataStore;
  readManifest(): Promise<Uint8Array | undefined>;
  writeManifest(bytes: Uint8Array): Promise<void>;
  /** Returns the tag of the bundle that all of this came in. It is written last and removed first. */
  readTag(): Promise<string | undefined>;
  writeTag(tag: string): Promise<void>;
  removeTag(): Promise<void>;
  /** The verified data that is not about this kernel alone. */
  readonly host: HostTrust;
  /** Tells whether the stored files were verified under another provisioned root than this. */
  isOfAnotherRoot(): Promise<boolean>;
  /**
   * Opens a stored artifact. Returns undefined unless there is one that only this host could have written.
   * The caller closes it.
   */
  openArtifact(sha256: Sha256Hex): OpenBytes | undefined;
  writeArtifact(sha256: Sha256Hex, bytes: Uint8Array): Promise<void>;
}

/** An entity tag (RFC 9110 section 8.8.3) in ASCII. Anything else is damage, and could not be sent in a header. */
const ENTITY_TAG = /^(?:W\/)?"[\x21\x23-\x7e]*"$/;

export function trustDir(stateDir: string, buildId: BuildId, provisionedRoot: Uint8Array): TrustDir {
  const at = (...names: readonly string[]) => join(stateDir, buildId, ...names);
  const manifest = at("manifest.json");
  const tag = at("feed.etag");
  const host = hostTrust(stateDir, provisionedRoot);
  const artifactPath = (sha256: Sha256Hex) => at("artifacts", `${sha256}.ko`);
  return {
    host,
    metadata: withHostRoot(metadataFolder(at("trust")), host),
    readManifest: () => readIfPresent(manifest),
    writeManifest: (bytes) => writeDurably(manifest, bytes),
    async readTag() {
      const text = await readIfPresent(tag).then(
        (bytes) => bytes && Buffer.from(bytes).toString("latin1").trim(),
      );
      return text !== undefined && ENTITY_TAG.test(text) ? text : undefined;
    },
    writeTag: (text) => writeDurably(tag, `${text}\n`),
    removeTag: () => removeDurably(tag),
    isOfAnotherRoot: () => host.isOfAnotherRoot(at()),
    openArtifact: (sha256) => openOwnFile(artifactPath(sha256), MAX_ARTIFACT_BYTES),
    writeArtifact: (sha256, bytes) => writeDurably(artifactPath(sha256), bytes, 0o600),
  };
}

const withHostRoot = (kernel: MetadataStore, host: HostTrust): MetadataStore => ({
  read: (role) => (role === "root" ? host.readRoot() : kernel.read(role)),
  write: (role, bytes) => (role === "root" ? host.writeRoot(bytes) : kernel.write(role, bytes)),
  remove: (role) => (role === "root" ? host.removeRoot() : kernel.remove(role)),
});
