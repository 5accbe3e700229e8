import { createHash } from "node:crypto";
import { type Sha256Hex, sha256Hex, type UpdateId, updateId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { MAX_RELATED } from "../../shared/feed/update.ts";
import type { Instant } from "../../shared/time.ts";
import type { FollowedFix, FollowState, SourceStep } from "./follow_state.ts";
import { MAX_FOLLOWED } from "./state_file.ts";

/** A fix as its source has it now. */
export interface FoundFix {
  readonly origin: string;
  /** What its ID is made from. */
  readonly name: string;
  readonly kind: FollowedFix["kind"];
  readonly subject: string;
  readonly cves: readonly string[];
  /** Its patches, in order. A step has none: its two sources are packages. */
  readonly files: readonly FixFile[];
  readonly step?: SourceStep;
}

/** A patch of a fix. */
export interface FixFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Returns the digest of all that a fix is made of. */
export function fixDigest({ files, step }: Pick<FoundFix, "files" | "step">): Sha256Hex {
  const hash = createHash("sha256").update(`${step?.from} ${step?.to}\n`);
  for (const { name, bytes } of files) hash.update(`${JSON.stringify(name)} ${bytes.length}\n`).update(bytes);
  return sha256Hex(hash.digest("hex"));
}

/** The longest part of an ID that comes from a name. A number may follow. */
const MAX_NAME = 56;

/**
 * Returns the state with what was found. A fix that is known stays; one that has changed gets a new ID and supersedes its
 * earlier version, because hosts may have that one.
 * @throws RebootlessError `limit`.
 */
export function withFound(state: FollowState, found: readonly FoundFix[], now: Instant): FollowState {
  const fixes = [...state.fixes];
  const ids = new Set<string>(fixes.map(({ id }) => id));
  const current = new Map(fixes.flatMap((fix, at) => (fix.retired ? [] : [[fix.origin, at] as const])));
  for (const each of found) {
    const digest = fixDigest(each);
    const at = current.get(each.origin);
    const before = at === undefined ? undefined : fixes[at];
    if (before?.digest === digest) continue;
    if (at !== undefined && before !== undefined) fixes[at] = { ...before, retired: true };
    const id = freeId(each.name, ids);
    ids.add(id);
    current.set(each.origin, fixes.length);
    const { origin, kind, subject, cves, step } = each;
    const supersedes = before === undefined ? [] : [...before.supersedes, before.id].slice(-MAX_RELATED);
    const about = { origin, kind, subject, cves: cves.slice(0, MAX_RELATED), ...(step && { step }) };
    fixes.push({ id, ...about, digest, seen: now, supersedes, retired: false });
  }
  if (fixes.length > MAX_FOLLOWED)
    throw new RebootlessError("limit", `more than ${MAX_FOLLOWED} fixes are followed`);
  return { ...state, fixes };
}

/** Returns an ID that is not taken yet: "fix", "fix-2". */
function freeId(name: string, taken: ReadonlySet<string>): UpdateId {
  const plain = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, "-")
    .slice(0, MAX_NAME);
  const base = plain.replaceAll(/^[.-]+|[.-]+$/g, "") || "fix";
  for (let number = 1; ; number++) {
    const id = number === 1 ? base : `${base}-${number}`;
    if (!taken.has(id)) return updateId(id);
  }
}
