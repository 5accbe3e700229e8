import type { BuildId } from "../shared/brand.ts";
import { isBuildId } from "../shared/brand.ts";
import { counted } from "../shared/counted.ts";
import { isCode, RebootlessError } from "../shared/errors.ts";
import { readDamage, removeDamaged, writeDamage } from "./damage.ts";
import { listKernels } from "./feed_list.ts";
import { EVERY_KERNEL } from "./kernel_choice.ts";
import { KernelImport } from "./kernel_import.ts";
import type { MirrorDir } from "./mirror_dir.ts";
import { openBackupTrust } from "./mirror_trust.ts";
import { readSiteTimestamps } from "./site_timestamps.ts";
import { fetchAll, writeRoots } from "./sync.ts";
import type { Upstream } from "./upstream.ts";

export interface BackupOptions {
  readonly dir: MirrorDir;
  readonly upstream: Upstream;
  /** A root of the feed that is trusted, of any version. */
  readonly root: Uint8Array;
  readonly progress: (line: string) => void;
}

export interface BackedUp {
  readonly kernels: number;
  /** The number of kernels for which something was fetched. */
  readonly changed: number;
  /** The bytes that were fetched for kernels. */
  readonly bytes: number;
}

/**
 * Brings a folder up to date with all that a feed has. A backup is a mirror that asks for every kernel in
 * every run, keeps targets and manifests that were in force before, and ignores expiry, as it is there to be
 * restored. Files that the feed has lost stay.
 *
 * @throws RebootlessError `trust` in the end if kernels did not verify. Their previous files stay in the
 * folder.
 * @throws RebootlessError `no_list` in the end if the feed has no list of its kernels, or one that does not
 * end.
 */
export async function backUp(options: BackupOptions): Promise<BackedUp> {
  const release = await options.dir.lock().catch((error: unknown) => {
    // Whoever put a link in place of a folder did not make this backup.
    if (!isCode(error, "config")) throw error;
    throw new RebootlessError("trust", error.message, { cause: error });
  });
  try {
    return await backUpLocked(options);
  } finally {
    release();
  }
}

async function backUpLocked({ dir, upstream, root, progress }: BackupOptions): Promise<BackedUp> {
  const damage = await readDamage(dir);
  await removeDamaged(dir, damage.remove);
  const trust = await openBackupTrust(dir, root, (version) => upstream.root(version));
  const batch = await dir.batch();
  await writeRoots(dir, trust, batch);
  const { list, unlisted } = await listKernels(upstream, EVERY_KERNEL, undefined);
  const present = (await dir.files.names("kernels")).filter(isBuildId);
  const kernels = [...new Set([...list.kernels.map(({ buildId }) => buildId), ...present])];
  const importing = new KernelImport(
    {
      dir,
      upstream,
      trust,
      index: await indexOf(dir, present),
      freshness: undefined,
      damaged: { kernels: new Set(damage.kernels), artifacts: new Set(damage.artifacts) },
      site: await readSiteTimestamps(dir),
      keepOld: true,
    },
    batch,
  );
  await fetchAll(importing, kernels, progress);
  if (importing.faults.length === 0) await writeDamage(dir, { kernels: [], artifacts: [], remove: [] });
  await dir.writeIndex(importing.index);
  requireAll(importing, kernels.length, progress);
  if (unlisted) throw unlisted;
  return { kernels: kernels.length, changed: importing.fetched.kernels, bytes: importing.fetched.bytes };
}

/** Reads the lines of the index for the kernels that are present. */
async function indexOf(dir: MirrorDir, present: readonly BuildId[]): Promise<KernelImport["index"]> {
  const here = new Set(present);
  return new Map([...((await dir.index()) ?? [])].filter(([id]) => here.has(id)));
}

function requireAll({ faults }: KernelImport, kernels: number, progress: (line: string) => void): void {
  for (const { buildId, error } of faults) progress(`kernel ${buildId}: ${error.message}`);
  const [first] = faults;
  if (!first) return;
  throw new RebootlessError("trust", `${faults.length} of ${counted(kernels, "kernel")} did not verify`, {
    cause: first.error,
    hint: "The others are backed up; of these the folder has what it had before.",
  });
}
