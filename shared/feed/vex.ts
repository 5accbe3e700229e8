import type { UpdateId } from "../brand.ts";
import { type JsonObject, type JsonValue, jsonObject } from "../json.ts";
import type { KernelIdentity } from "../kernel_identity.ts";
import { formatInstant, type Instant } from "../time.ts";
import { Superseding } from "./superseding.ts";
import type { Update } from "./update.ts";

/*
 * This file writes OpenVEX 0.2.0 (https://github.com/openvex/spec). For each CVE that updates of one kernel
 * fix, a document says whether that kernel is affected as it runs. It says nothing of other CVEs.
 */

const CONTEXT = "https://openvex.dev/ns/v0.2.0";

/** The fields of an update that matter here. */
type VexUpdate = Pick<Update, "id" | "cves" | "recalled" | "supersedes">;

/**
 * The kernel that a document is about, with the updates that the feed has for it and those that are in force.
 */
interface VexSubject {
  readonly kernel: KernelIdentity;
  readonly updates: readonly VexUpdate[];
  /**
   * The applied updates, each with the objects that are not loaded and so not patched yet. It is empty for
   * the kernel as it was built.
   */
  readonly applied: ReadonlyMap<UpdateId, readonly string[]>;
  /** Further names of this kernel that others use: package URLs. */
  readonly products: readonly string[];
}

/** The members of a document that are about the document itself. */
interface VexHeading {
  /** The IRI that identifies this document. */
  readonly id: string;
  readonly author: string;
  readonly tooling: string;
  readonly timestamp: Instant;
  readonly version: number;
}

/**
 * Makes a document.
 * @param statements at least one, because the specification does not allow an empty document.
 */
export const vexDocument = (heading: VexHeading, statements: readonly JsonValue[]): JsonObject =>
  jsonObject({
    "@context": CONTEXT,
    "@id": heading.id,
    author: heading.author,
    timestamp: formatInstant(heading.timestamp),
    version: heading.version,
    tooling: heading.tooling,
    statements,
  });

/** Returns one statement for each CVE, in order. The same subject gives the same statements. */
export function vexStatements(subject: VexSubject): readonly JsonObject[] {
  const products = [kernelPurl(subject.kernel), ...subject.products].map((purl) =>
    jsonObject({ "@id": purl, identifiers: jsonObject({ purl }) }),
  );
  const standing = standingOf(subject);
  const fixers = new Map<string, VexUpdate[]>();
  for (const update of subject.updates) {
    for (const cve of new Set(update.cves)) {
      const known = fixers.get(cve);
      if (known) known.push(update);
      else fixers.set(cve, [update]);
    }
  }
  return [...fixers.keys()].sort().map((cve) => {
    const status = statusOf(fixers.get(cve) ?? [], standing);
    return jsonObject({ vulnerability: jsonObject({ name: cve }), products, ...status });
  });
}

/**
 * Returns a kernel's package URL (https://github.com/package-url/purl-spec). It names no distribution's
 * package, because a manifest does not know the package.
 */
export const kernelPurl = ({ release, architecture, buildId }: KernelIdentity): string =>
  `pkg:generic/linux@${encodeURIComponent(release)}?arch=${encodeURIComponent(architecture)}&build_id=${buildId}`;

type Status = Readonly<Record<"status" | "status_notes" | "action_statement", string | undefined>>;

/** The updates that are in force and not recalled, which decide a CVE's status. */
interface Standing {
  readonly applied: VexSubject["applied"];
  /** The updates that are applied and not recalled. */
  readonly sound: ReadonlySet<UpdateId>;
  readonly superseding: Superseding;
}

function standingOf({ updates, applied }: VexSubject): Standing {
  const sound = updates.filter((update) => update.recalled === null && applied.has(update.id));
  return { applied, sound: new Set(sound.map(({ id }) => id)), superseding: new Superseding(updates) };
}

/**
 * Returns the status of a CVE.
 * @param fixers all updates that name the CVE. Each that is not recalled must be in force, because no update
 * alone is said to fix all of it.
 */
function statusOf(fixers: readonly VexUpdate[], standing: Standing): Status {
  const { applied } = standing;
  const fixing = fixers.flatMap((update) => standingFor(update.id, standing));
  const missing = fixers.filter((update) => update.recalled === null && !isDone(update, fixers, standing));
  if (fixing.length > 0 && missing.length === 0) return fixed(new Set(fixing), applied);
  const recalled = fixers.find((update) => update.recalled !== null && applied.has(update.id));
  if (recalled) {
    const { id, recalled: why } = recalled;
    return status("under_investigation", `${id}, which is applied and should fix it, is recalled: ${why}`);
  }
  if (missing.length > 0) {
    const ids = missing.map((update) => update.id).join(", ");
    return status("affected", undefined, `Apply ${ids}: run \`rebootless upgrade\`.`);
  }
  const why = fixers.map((update) => `${update.id} is recalled: ${update.recalled}`).join("; ");
  return status("affected", why, "Boot a kernel that has a fix.");
}

/** Returns the updates that are in force for `id`: the update itself and those that supersede it. */
const standingFor = (id: UpdateId, { sound, superseding }: Standing): UpdateId[] =>
  sound.size === 0 ? [] : [...superseding.meeting(id)].filter((other) => sound.has(other));

/**
 * Tells whether an update, or one that supersedes it, is in force. An update that would only take the place
 * of another one, which is in force and fixes the CVE, is done too.
 */
const isDone = ({ id }: VexUpdate, fixers: readonly VexUpdate[], standing: Standing): boolean =>
  standingFor(id, standing).length > 0 ||
  (standing.sound.size > 0 &&
    fixers.some(
      (other) => standing.sound.has(other.id) && standing.superseding.neededNoMore(id).has(other.id),
    ));

function fixed(ids: ReadonlySet<UpdateId>, applied: VexSubject["applied"]): Status {
  const absent = new Set([...ids].flatMap((id) => applied.get(id) ?? []));
  const pending =
    absent.size === 0 ? "" : `; not loaded, and so not running: ${[...absent].sort().join(", ")}`;
  return status("fixed", `Fixed in memory by ${[...ids].sort().join(", ")}${pending}.`);
}

const status = (word: string, notes: string | undefined, action?: string): Status => ({
  status: word,
  status_notes: notes,
  action_statement: action,
});
