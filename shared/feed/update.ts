import { type ObjectName, objectName, type Sha256Hex, sha256Hex, type UpdateId, updateId } from "../brand.ts";
import type { Decoder } from "../decode.ts";
import { type JsonObject, jsonObject } from "../json.ts";
import { MAX_ARTIFACT_BYTES, MAX_FUNCTIONS } from "../limits.ts";
import type { FunctionFingerprint } from "../runpre/fingerprint.ts";
import { fingerprintFromJson, fingerprintToJson } from "../runpre/json.ts";
import { formatInstant, type Instant, parseInstant } from "../time.ts";
import { decodeRollout, type Rollout, rolloutToJson } from "./rollout.ts";

/** A file of the feed outside of TUF metadata: found by its digest, bounded by its length. */
export interface Artifact {
  readonly sha256: Sha256Hex;
  /** Bytes. */
  readonly length: number;
}

/** The livepatch module of an update, and the name the kernel will know it by. */
export interface UpdateModule extends Artifact {
  readonly name: ObjectName;
}

/** What an update replaces in one object: `vmlinux` or a module. */
export interface TargetObject {
  readonly name: ObjectName;
  readonly functions: readonly FunctionFingerprint[];
}

/** One update for one kernel, in full. */
export interface Update {
  readonly id: UpdateId;
  readonly summary: string;
  readonly cves: readonly string[];
  readonly published: Instant;
  /** How it reaches the hosts by and by, or null: all at once. */
  readonly rollout: Rollout | null;
  /** The release whose fixes a kernel has with this update and all that were published before it, or null. */
  readonly effective: string | null;
  /** Updates that must be applied before this one. */
  readonly depends: readonly UpdateId[];
  /** Updates that must not be applied together with this one. */
  readonly conflicts: readonly UpdateId[];
  /** Why it must not be applied any more, or null. */
  readonly recalled: string | null;
  readonly module: UpdateModule;
  readonly objects: readonly TargetObject[];
}

const CVE = /^CVE-\d{4}-\d{4,10}$/;
export const isCve = (text: string): boolean => CVE.test(text);
/** What `uname -r` may print: it goes to terminals and into scripts. */
const RELEASE = /^[0-9A-Za-z][0-9A-Za-z.+~_-]{0,63}$/;
/** Dependencies, conflicts and CVEs of one update. */
const MAX_RELATED = 256;
/** The kernel and every module that could be loaded. */
const MAX_OBJECTS = 8192;

export function decodeUpdate(update: Decoder): Update {
  const ids = (name: string) =>
    update
      .get(name)
      .array(MAX_RELATED)
      .map((id) => id.as(updateId));
  return {
    id: update.get("id").as(updateId),
    summary: update.get("summary").string(),
    cves: update
      .get("cves")
      .array(MAX_RELATED)
      .map((cve) => (isCve(cve.string()) ? cve.string() : cve.fail("not a CVE number"))),
    published: update.get("published").as(parseInstant),
    rollout: update.get("rollout").optional(decodeRollout) ?? null,
    effective: update.get("effective").optional(decodeRelease) ?? null,
    depends: ids("depends"),
    conflicts: ids("conflicts"),
    recalled: update.get("recalled").nullable((reason) => reason.string()),
    module: decodeModule(update.get("module")),
    objects: decodeObjects(update.get("objects")),
  };
}

const decodeRelease = (release: Decoder): string =>
  RELEASE.test(release.string()) ? release.string() : release.fail("not a kernel release");

function decodeModule(module: Decoder): UpdateModule {
  return {
    name: module.get("name").as(objectName),
    sha256: module.get("sha256").as(sha256Hex),
    length: module.get("length").integer(1, MAX_ARTIFACT_BYTES),
  };
}

/** An update names every object that it touches, also one in which it has callbacks and replaces nothing. */
function decodeObjects(objects: Decoder): TargetObject[] {
  const decoded = objects.array(MAX_OBJECTS).map((object) => {
    const functions = object.get("functions").array(MAX_FUNCTIONS);
    return {
      name: object.get("name").as(objectName),
      functions: functions.map((fn) => fingerprintFromJson(fn.value, fn.where)),
    };
  });
  if (decoded.length === 0) objects.fail("no target object");
  if (new Set(decoded.map((o) => o.name)).size !== decoded.length) objects.fail("an object twice");
  return decoded;
}

export function updateToJson(update: Update): JsonObject {
  return jsonObject({
    id: update.id,
    summary: update.summary,
    cves: update.cves,
    published: formatInstant(update.published),
    rollout: update.rollout ? rolloutToJson(update.rollout) : undefined,
    effective: update.effective ?? undefined,
    depends: update.depends,
    conflicts: update.conflicts,
    recalled: update.recalled,
    module: jsonObject({
      name: update.module.name,
      sha256: update.module.sha256,
      length: update.module.length,
    }),
    objects: update.objects.map((object) =>
      jsonObject({ name: object.name, functions: object.functions.map(fingerprintToJson) }),
    ),
  });
}
