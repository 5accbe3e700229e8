import {
  type BuildId,
  buildId,
  type ObjectName,
  objectName,
  type Sha256Hex,
  sha256Hex,
  type UpdateId,
  updateId,
} from "../brand.ts";
import type { Decoder } from "../decode.ts";
import { type JsonObject, jsonObject } from "../json.ts";
import { MAX_ARTIFACT_BYTES, MAX_FUNCTIONS } from "../limits.ts";
import type { FunctionFingerprint } from "../runpre/fingerprint.ts";
import { fingerprintFromJson, fingerprintToJson } from "../runpre/json.ts";
import type { ModuleLayout } from "../runpre/module/layout.ts";
import { decodeLayout, layoutToJson } from "../runpre/module/layout_json.ts";
import { formatInstant, type Instant, parseInstant } from "../time.ts";
import { decodeRollout, type Rollout, rolloutToJson } from "./rollout.ts";
import { decodeUpdateTrial, type UpdateTrial, updateTrialToJson } from "./update_trial.ts";

/** A file of the feed outside of TUF metadata. It is found by its digest and bounded by its length. */
export interface Artifact {
  readonly sha256: Sha256Hex;
  /** The length in bytes. */
  readonly length: number;
}

/** A kernel module of an update, and the name the kernel will know it by. */
export interface UpdateModule extends Artifact {
  readonly name: ObjectName;
}

/** The kernel's interfaces by which an update can be applied. */
export const ENGINES = ["livepatch", "ksplice"] as const;
export type EngineName = (typeof ENGINES)[number];

/**
 * The roles of a Ksplice update's modules, in Ksplice's words: new code for a target, and the code that it
 * takes the place of.
 */
export const PART_ROLES = ["core", "new", "old"] as const;

/** One of the further modules of a Ksplice update. */
export interface UpdatePart extends UpdateModule {
  readonly role: (typeof PART_ROLES)[number];
  /** The object that it changes: `vmlinux` or a module; null for the core. */
  readonly target: ObjectName | null;
}

/** The functions that an update replaces in one object: `vmlinux` or a module. */
export interface TargetObject {
  readonly name: ObjectName;
  /** The build ID of a module; null for `vmlinux`, whose build ID is the kernel's. */
  readonly buildId: BuildId | null;
  /**
   * The layout at which a module is linked for its fingerprints; null for `vmlinux`, which has the addresses
   * that it is linked at.
   */
  readonly layout: ModuleLayout | null;
  readonly functions: readonly FunctionFingerprint[];
}

/** One update for one kernel, in full. */
export interface Update {
  readonly id: UpdateId;
  readonly summary: string;
  readonly cves: readonly string[];
  readonly published: Instant;
  /** The roll-out to the hosts, or null if the update goes to all of them at once. */
  readonly rollout: Rollout | null;
  /** The release whose fixes a kernel has with this update and all that were published before it, or null. */
  readonly effective: string | null;
  /** Updates that must be applied before this one. */
  readonly depends: readonly UpdateId[];
  /** Updates that must not be applied together with this one. */
  readonly conflicts: readonly UpdateId[];
  /** The reason why it must not be applied any more, or null. */
  readonly recalled: string | null;
  readonly engine: EngineName;
  /**
   * True for an atomic replace: the kernel puts every other live patch out of force when this update is
   * applied.
   */
  readonly replace: boolean;
  /** Updates that this one makes needless. They are not applied if this one can be. */
  readonly supersedes: readonly UpdateId[];
  /** The module that carries the patch. The name of a Ksplice module contains the patch's id. */
  readonly module: UpdateModule;
  /** The further modules that Ksplice loads, in this order. */
  readonly parts: readonly UpdatePart[];
  readonly objects: readonly TargetObject[];
  /** The publisher's word that it was tried; undefined if there is none. */
  readonly tried?: UpdateTrial;
}

const CVE = /^CVE-\d{4}-\d{4,10}$/;
export const isCve = (text: string): boolean => CVE.test(text);
/**
 * The form of a release (`uname -r`). It is narrow because releases are written to terminals and into
 * scripts.
 */
const RELEASE = /^[0-9A-Za-z][0-9A-Za-z.+~_-]{0,63}$/;
/** The largest number of dependencies, of conflicts and of CVEs of one update. */
export const MAX_RELATED = 256;
/** The largest number of objects: the kernel and every module that could be loaded. */
const MAX_OBJECTS = 8192;
/** The largest number of parts: two for each target, and a core. */
const MAX_PARTS = 2 * MAX_RELATED + 1;

export function decodeUpdate(update: Decoder): Update {
  const ids = (list: Decoder) => list.array(MAX_RELATED).map((id) => id.as(updateId));
  const tried = update.get("tried").optional(decodeUpdateTrial);
  const engine = update.get("engine").optional((name) => oneOf(name, ENGINES)) ?? "livepatch";
  return {
    id: update.get("id").as(updateId),
    summary: update.get("summary").line(),
    cves: update
      .get("cves")
      .array(MAX_RELATED)
      .map((cve) => cve.matching(CVE, "a CVE number")),
    published: update.get("published").as(parseInstant),
    rollout: update.get("rollout").optional(decodeRollout) ?? null,
    effective: update.get("effective").optional(decodeRelease) ?? null,
    depends: ids(update.get("depends")),
    conflicts: ids(update.get("conflicts")),
    recalled: update.get("recalled").nullable((reason) => reason.line()),
    engine,
    replace: update.get("replace").optional((replace) => decodeReplace(replace, engine)) ?? false,
    supersedes: decodeSupersedes(update, ids),
    module: decodeModule(update.get("module")),
    parts: decodeParts(update.get("parts"), engine),
    objects: decodeObjects(update.get("objects")),
    ...(tried && { tried }),
  };
}

function oneOf<T extends string>(text: Decoder, allowed: readonly T[]): T {
  return allowed.find((one) => one === text.value) ?? text.fail(`not one of ${allowed.join(", ")}`);
}

/**
 * Decodes the flag for an atomic replace. Ksplice has no atomic replace: with the flag, a host would apply an
 * update that does not do what it says.
 */
function decodeReplace(replace: Decoder, engine: EngineName): boolean {
  if (replace.boolean() && engine !== "livepatch") replace.fail(`${engine} cannot replace other patches`);
  return replace.boolean();
}

function decodeSupersedes(update: Decoder, ids: (list: Decoder) => UpdateId[]): UpdateId[] {
  const supersedes = update.get("supersedes");
  const decoded = supersedes.optional(ids) ?? [];
  if (decoded.some((id) => id === update.get("id").value)) supersedes.fail("the update itself");
  return decoded;
}

function decodeParts(parts: Decoder, engine: EngineName): UpdatePart[] {
  const decoded =
    parts
      .optional((list) => list.array(MAX_PARTS))
      ?.map((part) => ({
        ...decodeModule(part),
        role: oneOf(part.get("role"), PART_ROLES),
        target: part.get("target").nullable((target) => target.as(objectName)),
      })) ?? [];
  if (decoded.length > 0 !== (engine === "ksplice")) parts.fail("ksplice updates have parts, others none");
  if (decoded.some(({ role, target }) => (target === null) !== (role === "core"))) {
    parts.fail("a core has no target, everything else has one");
  }
  return decoded;
}

const decodeRelease = (release: Decoder): string => release.matching(RELEASE, "a kernel release");

export const decodeArtifact = (artifact: Decoder): Artifact => ({
  sha256: artifact.get("sha256").as(sha256Hex),
  length: artifact.get("length").integer(1, MAX_ARTIFACT_BYTES),
});

export const artifactToJson = ({ sha256, length }: Artifact): JsonObject => jsonObject({ sha256, length });

const decodeModule = (module: Decoder): UpdateModule => ({
  name: module.get("name").as(objectName),
  ...decodeArtifact(module),
});

/**
 * Decodes the objects of an update. It names every object that it touches, also one in which it has callbacks
 * and replaces nothing.
 */
function decodeObjects(objects: Decoder): TargetObject[] {
  const decoded = objects.array(MAX_OBJECTS).map((object) => {
    const functions = object.get("functions").array(MAX_FUNCTIONS);
    return {
      name: object.get("name").as(objectName),
      buildId: object.get("build_id").optional((id) => id.as(buildId)) ?? null,
      layout: object.get("layout").optional(decodeLayout) ?? null,
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
    engine: update.engine === "livepatch" ? undefined : update.engine,
    replace: update.replace || undefined,
    supersedes: update.supersedes.length > 0 ? update.supersedes : undefined,
    module: moduleToJson(update.module),
    parts: update.parts.length > 0 ? update.parts.map(partToJson) : undefined,
    objects: update.objects.map((object) =>
      jsonObject({
        name: object.name,
        build_id: object.buildId ?? undefined,
        layout: object.layout ? layoutToJson(object.layout) : undefined,
        functions: object.functions.map(fingerprintToJson),
      }),
    ),
    tried: update.tried && updateTrialToJson(update.tried),
  });
}

const moduleToJson = ({ name, sha256, length }: UpdateModule): JsonObject =>
  jsonObject({ name, sha256, length });

const partToJson = (part: UpdatePart): JsonObject =>
  jsonObject({ ...Object.fromEntries(moduleToJson(part)), role: part.role, target: part.target });
