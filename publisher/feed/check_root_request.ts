import { digests } from "../../node/crypto.ts";
import { equalBytes } from "../../shared/bytes.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Instant } from "../../shared/time.ts";
import { canonicalJson } from "../../shared/tuf/canonical_json.ts";
import { keyId } from "../../shared/tuf/keys.ts";
import { rootDocument } from "../../shared/tuf/metadata.ts";
import {
  decodeRoot,
  type Envelope,
  parseEnvelope,
  type Root,
  type TopRole,
} from "../../shared/tuf/schema.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";
import { rootDiff } from "../keys/root_diff.ts";
import { rootFaults, sharedKeys } from "../keys/root_faults.ts";
import type { CheckedRequest } from "./checked_request.ts";
import { quorum } from "./signatures.ts";
import type { RootRequest } from "./signing_request.ts";

/**
 * Checks a new root against the one in force, or the first root by itself.
 *
 * @throws RebootlessError `parse`, `trust`.
 */
export async function checkRootRequest(
  request: RootRequest,
  base: Root | undefined,
  now: Instant,
): Promise<CheckedRequest> {
  const envelope = parseEnvelope(request.metadata, "root");
  const next = await understood(envelope, base);
  const follows = (base?.version ?? 0) + 1;
  if (next.version !== follows) {
    throw new RebootlessError(
      "trust",
      `the root has version ${next.version}, but must have version ${follows}`,
    );
  }
  const own = await quorum(`root version ${next.version}, the new one`, envelope, next, "root");
  const old = base && (await quorum(`root version ${base.version}, in force`, envelope, base, "root"));
  const first = base
    ? []
    : ["there is no earlier root to compare with: read the key ids aloud to each other before you sign"];
  return {
    diff: rootDiff(base, next, now),
    faults: rootFaults(next, now),
    warnings: [...first, ...sharedKeys(next), ...(base ? consequences(base, next) : [])],
    envelope,
    quorums: old ? [old, own] : [own],
  };
}

/**
 * Lists what else has to be done before such a root is published, so that hosts can still verify the feed.
 */
function consequences(base: Root, next: Root): readonly string[] {
  const [before, after] = [roleOf(base, "targets"), roleOf(next, "targets")];
  const stricter = after.threshold > before.threshold || takesFrom("targets", base, next);
  const gone = (["snapshot", "timestamp"] as const).filter((role) => takesFrom(role, base, next));
  return [
    ...(stricter
      ? [
          "hosts will refuse targets without enough signatures by the keys that stay: sign those targets again first",
        ]
      : []),
    ...gone.map((role) => `a ${role} key is removed: the edge can only sign if it has one that stays`),
  ];
}

function takesFrom(role: TopRole, base: Root, next: Root): boolean {
  const kept = new Set(roleOf(next, role).keyIds);
  return roleOf(base, role).keyIds.some((id) => !kept.has(id));
}

/**
 * Decodes the new root, and refuses one with content that the diff cannot show: encoded again from what was
 * decoded, the file has to be the same.
 */
async function understood(envelope: Envelope, base: Root | undefined): Promise<Root> {
  const root = decodeRoot(envelope.signed);
  if (!equalBytes(canonicalJson(rootDocument(root)), envelope.signedBytes)) {
    throw new RebootlessError("trust", "the new root contains something that this version cannot show you", {
      hint: "It was made by other software or another version, or somebody hides something in it.",
    });
  }
  const used = new Set([...root.roles.values()].flatMap(({ keyIds }) => keyIds));
  for (const [id, key] of root.keys) {
    if (!used.has(id)) throw new RebootlessError("trust", `the new root lists key ${id} for no role`);
    if (!base?.keys.has(id) && (await keyId(key, digests)) !== id) {
      throw new RebootlessError(
        "trust",
        `the new root lists a key under the id ${id}, which is not its digest`,
      );
    }
  }
  const [unlisted] = [...used].filter((id) => !root.keys.has(id));
  if (unlisted === undefined) return root;
  throw new RebootlessError("trust", `the new root gives a role to key ${unlisted}, which it does not list`);
}
