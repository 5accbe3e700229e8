import { digests } from "../../../../node/crypto.ts";
import { counted } from "../../../../shared/counted.ts";
import { RebootlessError } from "../../../../shared/errors.ts";
import { MAX_ARTIFACT_BYTES } from "../../../../shared/limits.ts";
import { quoted } from "../../../../shared/tuf/role_name.ts";
import type { TargetFile } from "../../../../shared/tuf/schema.ts";
import type { TrustedSet } from "../../../../shared/tuf/trusted_set.ts";
import { isFile, verifyFile } from "../../../../shared/tuf/verify.ts";

/** Where targets come from. It is believed in nothing. */
export interface TargetSource {
  /**
   * @param path quoted for a URL, relative to the base of targets.
   * @param maxBytes not one byte more is read.
   */
  target(path: string, maxBytes: number): Promise<Uint8Array>;
}

/** Where verified targets are kept, by target path. What it holds is judged anew each time. */
export interface TargetStore {
  read(path: string): Promise<Uint8Array | undefined>;
  /** Whole or not at all. */
  write(path: string, bytes: Uint8Array): Promise<void>;
}

/**
 * 5.7: has a target in the store, fetched unless it is there already. What does not verify is never written.
 * Throws `trust` for other bytes than were signed for, `limit` for more than a host takes.
 *
 * @param file what `findTarget` found for this path.
 */
export async function fetchTarget(
  trusted: TrustedSet,
  path: string,
  file: TargetFile,
  { source, store }: { readonly source: TargetSource; readonly store: TargetStore },
): Promise<"fetched" | "cached"> {
  const name = targetName(path, file, trusted.root.consistentSnapshot);
  const cached = await store.read(path);
  if (cached && (await isFile(cached, file, digests))) return "cached";
  if (file.length > MAX_ARTIFACT_BYTES) {
    throw new RebootlessError(
      "limit",
      `${show(path)} has ${counted(file.length, "byte")}, more than ${MAX_ARTIFACT_BYTES}`,
    );
  }
  const bytes = await source.target(name, file.length); // 5.7.3
  await verifyFile(bytes, file, show(path), digests);
  await store.write(path, bytes);
  return "fetched";
}

/**
 * 5.7.3: `HASH.` goes before the last segment where snapshots are consistent. A repository has the file under
 * each of its hashes (6.2.1); the first listed is what other clients ask for. A path that would lead out of the
 * targets' base, or that URLs would tidy into another, is refused.
 */
export function targetName(path: string, { hashes }: TargetFile, consistent: boolean): string {
  const segments = path.split("/");
  if (segments.some((segment) => ["", ".", ".."].includes(segment))) {
    throw new RebootlessError("trust", `${show(path)} is not a sound target path`);
  }
  const [hash] = hashes.values();
  const last = segments.pop() ?? "";
  return [...segments, consistent ? `${hash}.${last}` : last].map(quoted).join("/");
}

const show = (path: string): string => `target ${JSON.stringify(path.slice(0, 80))}`;
