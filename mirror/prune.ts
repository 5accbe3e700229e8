import { lstat } from "node:fs/promises";
import { sha256Of } from "../node/crypto.ts";
import { isBuildId } from "../shared/brand.ts";
import { RebootlessError } from "../shared/errors.ts";
import { artifactsIn } from "../shared/feed/artifacts.ts";
import type { Bundle } from "../shared/feed/bundle.ts";
import { decodeManifest } from "../shared/feed/manifest.ts";
import { consistentTarget, metadataPath, targetsPath } from "../shared/feed/paths.ts";
import { MAX_MANIFEST_BYTES } from "../shared/limits.ts";
import { type Instant, parseDuration } from "../shared/time.ts";
import { decodeSnapshot, decodeTargets, parseEnvelope } from "../shared/tuf/schema.ts";
import type { MirrorDir } from "./mirror_dir.ts";

/** The old files that are kept: a number of versions of each file, or the files of a recent time. */
export type Keep = { readonly versions: number } | { readonly milliseconds: number };

export interface Pruned {
  readonly files: number;
  readonly bytes: number;
}

/**
 * Reads `3` (versions) or `30d`.
 *
 * @throws RebootlessError `usage`.
 */
export function parseKeep(text: string): Keep {
  if (/^[1-9]\d{0,5}$/.test(text)) return { versions: Number(text) };
  const milliseconds = parseDuration(text);
  if (milliseconds !== undefined) return { milliseconds };
  throw new RebootlessError("usage", `neither a number of versions nor a time: ${text}`, {
    hint: "`--keep 3` keeps the newest three versions, `--keep 30d` the files of the last thirty days.",
  });
}

/**
 * Removes files that are no longer needed: old snapshots, targets and manifests of each kernel, and artifacts
 * that none of the remaining manifests names. Files in force are never removed, whatever the policy.
 */
export async function prune(dir: MirrorDir, keep: Keep, now: Instant): Promise<Pruned> {
  const gone = { files: 0, bytes: 0 };
  const named = new Set<string>();
  for (const id of (await dir.files.names("kernels")).filter(isBuildId)) {
    const bundle = await dir.bundle(id);
    // If a kernel's feed cannot be read, it is not known which files are still needed.
    if (!bundle) return gone;
    const manifest = consistentTarget(id, sha256Of(bundle.manifest)).slice("kernels/".length);
    const targets = `${targetsPath(id)}/kernels`;
    const manifests = await byAge(dir, targets, () => true);
    const kept = new Set([manifest, ...namesToKeep(manifests, keep, now)]);
    await remove(
      dir,
      targets,
      manifests.filter((file) => !kept.has(file.name)),
      gone,
    );
    for (const name of kept) await collect(dir, `${targets}/${name}`, named);
    for (const [role, version] of inForce(bundle)) {
      const aged = await byVersion(dir, metadataPath(id), (file) => file.endsWith(`.${role}.json`));
      const stay = new Set([`${version}.${role}.json`, ...namesToKeep(aged, keep, now)]);
      const old = aged.filter((file) => !stay.has(file.name));
      await remove(dir, metadataPath(id), old, gone);
    }
  }
  const artifacts = await byAge(dir, "artifacts", () => true);
  const young = "milliseconds" in keep ? new Set(namesToKeep(artifacts, keep, now)) : new Set();
  await remove(
    dir,
    "artifacts",
    artifacts.filter(({ name }) => !named.has(name) && !young.has(name)),
    gone,
  );
  return gone;
}

const inForce = ({ snapshot, targets }: Bundle): readonly (readonly [string, number])[] => [
  ["snapshot", decodeSnapshot(parseEnvelope(snapshot, "snapshot").signed).version],
  ["targets", decodeTargets(parseEnvelope(targets, "targets").signed).version],
];

interface AgedFile {
  readonly name: string;
  readonly modified: number;
  readonly bytes: number;
}

/** Returns the names of the files that are kept, of files that are ordered from new to old. */
const namesToKeep = (files: readonly AgedFile[], keep: Keep, now: Instant): readonly string[] =>
  ("versions" in keep
    ? files.slice(0, keep.versions)
    : files.filter(({ modified }) => now - modified < keep.milliseconds)
  ).map(({ name }) => name);

async function aged(dir: MirrorDir, folder: string, isMeant: (name: string) => boolean): Promise<AgedFile[]> {
  const names = (await dir.files.names(folder)).filter(isMeant);
  if (names.length === 0) return [];
  return dir.files.within(folder, (at) =>
    Promise.all(
      names.map(async (name) => {
        const { mtimeMs, size } = await lstat(`${at}/${name}`);
        return { name, modified: mtimeMs, bytes: size };
      }),
    ),
  );
}

const byAge = async (
  dir: MirrorDir,
  folder: string,
  isMeant: (name: string) => boolean,
): Promise<readonly AgedFile[]> => (await aged(dir, folder, isMeant)).sort((a, b) => b.modified - a.modified);

const byVersion = async (
  dir: MirrorDir,
  folder: string,
  isMeant: (name: string) => boolean,
): Promise<readonly AgedFile[]> =>
  (await aged(dir, folder, isMeant)).sort(
    (a, b) => Number.parseInt(b.name, 10) - Number.parseInt(a.name, 10),
  );

async function remove(
  dir: MirrorDir,
  folder: string,
  files: readonly AgedFile[],
  gone: { files: number; bytes: number },
): Promise<void> {
  for (const { name, bytes } of files) {
    await dir.files.remove(`${folder}/${name}`);
    gone.files++;
    gone.bytes += bytes;
  }
}

async function collect(dir: MirrorDir, path: string, named: Set<string>): Promise<void> {
  const bytes = await dir.read(path, MAX_MANIFEST_BYTES);
  if (!bytes) return;
  for (const { sha256 } of artifactsIn(decodeManifest(bytes))) named.add(sha256);
}
