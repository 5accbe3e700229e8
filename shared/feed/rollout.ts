import type { UpdateId } from "../brand.ts";
import { utf8 } from "../bytes.ts";
import type { Decoder } from "../decode.ts";
import { type JsonObject, jsonObject } from "../json.ts";
import { formatInstant, HOUR, type Instant, instant, parseInstant } from "../time.ts";

/**
 * The way in which an update reaches its hosts: none before `start`, all of them after so many hours, evenly
 * in between.
 */
export interface Rollout {
  readonly start: Instant;
  readonly hours: number;
}

/** A host's place in a roll-out: 0 is among the first, 1 is the last. */
export type Bucket = number;

/**
 * The longest roll-out, a quarter of a year. An update that takes longer to reach its hosts is not being
 * rolled out.
 */
const MAX_ROLLOUT_HOURS = 90 * 24;

export function decodeRollout(rollout: Decoder): Rollout {
  return {
    start: rollout.get("start").as(parseInstant),
    hours: rollout.get("hours").integer(0, MAX_ROLLOUT_HOURS),
  };
}

export const rolloutToJson = (rollout: Rollout): JsonObject =>
  jsonObject({ start: formatInstant(rollout.start), hours: rollout.hours });

/**
 * Returns a host's place in the roll-out of an update: the first four bytes of SHA-256("<machine id> <update
 * id>"), big-endian, as a fraction of 2^32. So each host is early for some updates and late for others, the
 * same at every run, and no host needs to say who it is.
 */
export function bucketOf(
  machineId: string,
  update: UpdateId,
  sha256: (bytes: Uint8Array) => Uint8Array,
): Bucket {
  const digest = sha256(utf8(`${machineId} ${update}`));
  return new DataView(digest.buffer, digest.byteOffset).getUint32(0) / 2 ** 32;
}

/** Returns the time at which a host with this place is reached. */
export const reachedAt = ({ start, hours }: Rollout, bucket: Bucket): Instant =>
  instant(start + Math.round(hours * HOUR * bucket));
