import { RebootlessError } from "../../shared/errors.ts";
import { openFingerprints } from "../../shared/runpre/file/decode.ts";
import { KERNEL_OBJECT } from "../../shared/runpre/file/header.ts";
import { MAX_FILE_BYTES } from "../../shared/runpre/file/layout.ts";
import { readNamed } from "../host/files.ts";
import type { Host } from "../host/host.ts";
import { lastVerified } from "../trust/poll.ts";
import { type FunctionSet, setOfManifest } from "./function_set.ts";

/** What the kernel is compared with, and where that is from. */
export interface Fingerprints {
  readonly set: FunctionSet;
  readonly source: string;
}

/** Of files that a person named, and answers for. @throws `usage`, `parse`, `limit`, `unsupported`. */
export async function fingerprintsOfFiles(paths: readonly string[]): Promise<Fingerprints> {
  const [path, ...more] = paths;
  if (path === undefined || more.length > 0) {
    throw new RebootlessError("usage", `${paths.length} fingerprint files: one is wanted, the kernel's`);
  }
  const file = openFingerprints(await readNamed(path, MAX_FILE_BYTES));
  if (file.object.name !== KERNEL_OBJECT) {
    throw new RebootlessError(
      "usage",
      `${path} has the fingerprints of ${file.object.name}, not of the kernel`,
    );
  }
  return { set: file, source: path };
}

/** Of the manifest that this host verified last: those functions that updates replace. @throws `not_covered`. */
export async function fingerprintsOfFeed(host: Host): Promise<Fingerprints> {
  const verified = await lastVerified(host);
  if (verified === undefined) {
    throw new RebootlessError("not_covered", "nothing that was verified before is at hand", {
      hint: "Run `rebootless check` once, or give a file made by `rebootless-publish fingerprint` as --fingerprints.",
    });
  }
  return { set: setOfManifest(verified.manifest), source: host.config.feed.join(" ") };
}
