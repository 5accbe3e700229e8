import { sha256Of } from "../../node/crypto.ts";
import type { BuildId } from "../../shared/brand.ts";
import { manifestTarget } from "../../shared/feed/paths.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";
import type { Instant } from "../../shared/time.ts";
import { targetsDocument } from "../../shared/tuf/metadata.ts";

export interface TargetsFile {
  readonly buildId: BuildId;
  readonly version: number;
  readonly expires: Instant;
  readonly manifest: Uint8Array;
}

/**
 * Makes targets in the only form that a feed has: one manifest, bound to one kernel (shared/feed/binding.ts).
 */
export async function targetsFile({ buildId, version, expires, manifest }: TargetsFile): Promise<JsonObject> {
  const file = {
    length: manifest.length,
    hashes: new Map([["sha256", sha256Of(manifest)]] as const),
    custom: jsonObject({ build_id: buildId }),
  };
  return targetsDocument({ version, expires, targets: new Map([[manifestTarget(buildId), file]]) });
}
