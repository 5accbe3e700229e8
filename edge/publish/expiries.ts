import { type BuildId, buildId } from "../../shared/brand.ts";
import type { Decoder } from "../../shared/decode.ts";
import { type JsonValue, jsonObject } from "../../shared/json.ts";
import { formatInstant, type Instant, parseInstant } from "../../shared/time.ts";
import type { Notes } from "../store/store.ts";

export const EXPIRING = ["timestamp", "snapshot", "targets"] as const;
export type Expiring = (typeof EXPIRING)[number];

/** The first expiry among all kernels, and the kernel that it belongs to. */
export interface NearestExpiry {
  readonly kernel: BuildId;
  readonly at: Instant;
}

export type NearestExpiries = Readonly<Record<Expiring, NearestExpiry | null>>;
export const NOTHING_EXPIRES: NearestExpiries = { timestamp: null, snapshot: null, targets: null };

/** Returns the name of the note beside a feed that says when a role of it expires. */
export const expiryNote = (role: Expiring): string => `${role}_expires`;

/**
 * Returns the sooner one of the known expiry and a kernel's expiries.
 * @param roles the roles of this kernel that count.
 */
export function sooner(
  known: NearestExpiries,
  kernel: BuildId,
  notes: Notes,
  roles: readonly Expiring[],
): NearestExpiries {
  const next = { ...known };
  for (const role of roles) {
    const note = notes[expiryNote(role)];
    const at = note === undefined ? undefined : parseInstant(note);
    const before = next[role];
    if (at !== undefined && (before === null || at < before.at)) next[role] = { kernel, at };
  }
  return next;
}

export const expiriesToJson = (nearest: NearestExpiries): JsonValue =>
  jsonObject(
    Object.fromEntries(
      EXPIRING.map((role) => {
        const one = nearest[role];
        return [role, one && jsonObject({ kernel: one.kernel, at: formatInstant(one.at) })];
      }),
    ),
  );

export function decodeExpiries(json: Decoder): NearestExpiries {
  const one = (role: Expiring) =>
    json.get(role).nullable((nearest) => ({
      kernel: nearest.get("kernel").as(buildId),
      at: nearest.get("at").as(parseInstant),
    }));
  return { timestamp: one("timestamp"), snapshot: one("snapshot"), targets: one("targets") };
}
