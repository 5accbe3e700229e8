import { readNamed } from "../../node/files.ts";
import type { FolderLock } from "../../node/lock.ts";
import { joined, noFeed, openFeeds } from "../../node/transport/feeds.ts";
import { VMLINUX } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { openFingerprints } from "../../shared/runpre/file/decode.ts";
import { MAX_FILE_BYTES } from "../../shared/runpre/file/layout.ts";
import type { Host } from "../this_host.ts";
import { openArtifact } from "../trust/artifacts.ts";
import { lastVerified } from "../trust/stored_feed.ts";
import { type FunctionSet, setOfManifest } from "./function_set.ts";
import { type ModuleSet, modulesOfManifest } from "./module_sets.ts";

/** The fingerprints that a kernel is compared with. */
export interface Fingerprints {
  readonly set: FunctionSet;
  /** The fingerprints of modules. */
  readonly modules: readonly ModuleSet[];
  /** Where the fingerprints come from, for people. */
  readonly source: string;
}

/**
 * Reads fingerprints from files that a person named and is responsible for: one file of the kernel, and any of its modules.
 *
 * @throws RebootlessError `usage`, `parse`, `limit`, `unsupported`.
 */
export async function fingerprintsOfFiles(paths: readonly string[]): Promise<Fingerprints> {
  const files = await Promise.all(paths.map((path) => readNamed(path, MAX_FILE_BYTES)));
  return { ...fingerprintsIn(files), source: paths.join(" ") };
}

function fingerprintsIn(contents: readonly Uint8Array[]): Omit<Fingerprints, "source"> {
  const files = contents.map(openFingerprints);
  const [kernel, ...others] = files.filter(({ object }) => object.name === VMLINUX);
  if (kernel === undefined || others.length > 0) {
    const count = kernel === undefined ? "none" : others.length + 1;
    const had = files.map(({ object }) => object.name).join(", ");
    throw new RebootlessError(
      "usage",
      `exactly one fingerprint file must be the kernel's; of these (${had}), it is ${count}`,
    );
  }
  const modules = files.filter((file) => file !== kernel);
  const stray = modules.find((file) => file.kernel.buildId !== kernel.kernel.buildId);
  if (stray !== undefined) {
    throw new RebootlessError(
      "usage",
      `the fingerprints of ${stray.object.name} are for another kernel, ${stray.kernel.release}`,
    );
  }
  return { set: kernel, modules };
}

/**
 * Returns the fingerprints of the manifest that this host verified last: its fingerprint file, which is fetched unless it is
 * stored; or, if the manifest names none, the fingerprints of the functions that updates replace.
 *
 * @param lock the lock that is held while the file is stored.
 * @param passedOver is called for each feed that has a different file under its name.
 * @throws RebootlessError `not_covered`, `trust`, `unreachable`.
 */
export async function fingerprintsOfFeed(
  host: Host,
  lock: FolderLock,
  passedOver: (why: RebootlessError) => void,
): Promise<Fingerprints> {
  const verified = await lastVerified(host);
  if (verified === undefined) {
    throw new RebootlessError("not_covered", "nothing has been verified for this kernel yet", {
      hint: "Run `rebootless check` once, or give a file made by `rebootless-publish fingerprint` as --fingerprints.",
    });
  }
  const { manifest } = verified;
  const modules = modulesOfManifest(manifest);
  if (!manifest.fingerprints) return { set: setOfManifest(manifest), modules, source: "the feed's updates" };
  const [first = noFeed, ...others] = openFeeds(host.config);
  await lock.take();
  try {
    const feed = joined(first, others, passedOver);
    const { bytes, close } = await openArtifact(manifest.fingerprints, feed, host.directory);
    close();
    return { ...fingerprintsIn([bytes]), modules, source: "the feed's fingerprint file" };
  } finally {
    lock.release();
  }
}
