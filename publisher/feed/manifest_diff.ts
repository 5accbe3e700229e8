import { equalBytes } from "../../shared/bytes.ts";
import { counted } from "../../shared/counted.ts";
import { kernelFactsToJson } from "../../shared/feed/kernel.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";
import { type Update, updateToJson } from "../../shared/feed/update.ts";
import { updateTrialText } from "../../shared/feed/update_trial.ts";
import { encodeJson, type JsonValue } from "../../shared/json.ts";
import { excerpt } from "../../shared/printable.ts";
import { landmarksToJson } from "../../shared/runpre/landmarks_json.ts";
import { formatInstant } from "../../shared/time.ts";

/** The most names of functions that are shown for one update. */
const MAX_NAMES = 12;
/** The members of an update that are written only if they differ from their defaults. */
const SELDOM = ["rollout", "effective", "engine", "replace", "supersedes", "parts", "tried"];

/** Lists what a new manifest changes for hosts, for people, one line for each change. */
export function manifestDiff(before: KernelManifest | undefined, after: KernelManifest): readonly string[] {
  const old = new Map(before?.updates.map((update) => [update.id, update]));
  const ids = new Set(after.updates.map(({ id }) => id));
  const removed = (before?.updates ?? []).filter(({ id }) => !ids.has(id));
  const updates = [
    ...after.updates.flatMap((update) => updateDiff(old.get(update.id), update)),
    ...removed.map((update) => `  - update ${update.id}: ${excerpt(update.summary)}`),
  ];
  const count = `updates    ${after.updates.length}${before ? `, before ${before.updates.length}` : ""}`;
  return [
    ...kernelDiff(before, after),
    ...fingerprintsDiff(before, after),
    count,
    ...(updates.length === 0 ? ["  no change"] : updates),
  ];
}

function kernelDiff(before: KernelManifest | undefined, { kernel, landmarks }: KernelManifest): string[] {
  const old = before && kernelFactsToJson(before.kernel);
  const now = kernelFactsToJson(kernel);
  const names = [...new Set([...(old?.keys() ?? []), ...now.keys()])].filter((name) => name !== "build_id");
  const moved = before && !same(landmarksToJson(before.landmarks), landmarksToJson(landmarks));
  return [
    ...names.map(
      (name) => `${name.padEnd(10)} ${changed(old?.get(name), now.get(name), before === undefined)}`,
    ),
    ...(moved ? ["  ~ landmarks of the kernel's image differ"] : []),
  ];
}

/** Lists a change of the fingerprints file, which hosts trust when they check their whole kernel. */
function fingerprintsDiff(before: KernelManifest | undefined, after: KernelManifest): string[] {
  const text = ({ fingerprints }: KernelManifest): string | undefined =>
    fingerprints && `${counted(fingerprints.length, "byte")}, sha256 ${fingerprints.sha256}`;
  const [old, now] = [before && text(before), text(after)];
  if (old === undefined && now === undefined) return [];
  return [`fingerprints ${changed(old, now, old === now)}`];
}

function changed(old: JsonValue | undefined, now: JsonValue | undefined, isNew: boolean): string {
  const text = (value: JsonValue | undefined) => (value === undefined ? "none" : excerpt(String(value), 400));
  return isNew || old === now ? text(now) : `${text(old)} -> ${text(now)}`;
}

function updateDiff(before: Update | undefined, after: Update): string[] {
  if (!before) return [`  + update ${after.id}: ${excerpt(after.summary)}`, ...facts(after)];
  const [old, now] = [updateToJson(before), updateToJson(after)];
  const names = [...new Set([...old.keys(), ...now.keys()])]; // also members that are no longer there
  const differing = names.filter((name) => !same(old.get(name) ?? null, now.get(name) ?? null));
  if (differing.length === 0) return [];
  return [
    `  ~ update ${after.id}: ${excerpt(after.summary)}`,
    ...differing.map((name) => `      ${name}: ${change(shown(name, before), shown(name, after))}`),
  ];
}

/**
 * Describes a change. Values that are too long to be shown in full may differ in a part that is not shown.
 */
const change = (before: string, after: string): string =>
  before === after ? `${after} (differs in what is not shown here)` : `${before} -> ${after}`;

function facts(update: Update): string[] {
  const always = ["module", "objects", "cves", "depends", "conflicts", "recalled"];
  const said = updateToJson(update);
  const lines = [...always, ...SELDOM.filter((name) => said.has(name))];
  return lines.map((name) => `      ${name}: ${shown(name, update)}`);
}

function shown(name: string, update: Update): string {
  if (name === "module") {
    return `${update.module.name}, ${counted(update.module.length, "byte")}, sha256 ${update.module.sha256}`;
  }
  if (name === "objects") return replaced(update);
  if (name === "parts") return parts(update);
  if (name === "rollout" && update.rollout) {
    return `from ${formatInstant(update.rollout.start)} over ${counted(update.rollout.hours, "hour")}`;
  }
  if (name === "tried" && update.tried) return excerpt(updateTrialText(update.tried), 400);
  const value = updateToJson(update).get(name) ?? null;
  if (value === null) return "no";
  if (Array.isArray(value)) return excerpt(value.join(" ") || "none", 400);
  return excerpt(String(value), 400);
}

function replaced({ objects }: Update): string {
  const names = objects.flatMap(({ name, functions }) => functions.map((fn) => `${name}/${fn.name}`));
  const more = names.length > MAX_NAMES ? ` and ${names.length - MAX_NAMES} more` : "";
  return `replaces ${counted(names.length, "function")}: ${excerpt(names.slice(0, MAX_NAMES).join(" "), 1000)}${more}`;
}

const parts = (update: Update): string =>
  excerpt(update.parts.map((part) => `${part.name} (${part.role}, sha256 ${part.sha256})`).join(" "), 1000);

const same = (a: JsonValue, b: JsonValue): boolean => equalBytes(encodeJson(a), encodeJson(b));
