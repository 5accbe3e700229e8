import { describe, expect, it } from "vitest";
import { buildId, sha256Hex } from "../../../shared/brand.ts";
import { decodeManifest, encodeManifest } from "../../../shared/feed/manifest.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { type UpdateTrial, updateTrialText } from "../../../shared/feed/update_trial.ts";
import { parseJson } from "../../../shared/json.ts";
import { parseInstant } from "../../../shared/time.ts";
import { alteredBytes, ID, sampleManifest, sampleUpdate } from "./sample.ts";

const TRIAL: UpdateTrial = {
  when: parseInstant("2026-11-30T20:00:00Z"),
  buildId: ID,
  engine: "qemu",
  accelerator: "tcg",
  cpu: "Haswell",
  steps: ["boot", "match", "apply", "undo"],
  exercise: null,
};
const tried = (trial: UpdateTrial): Update => ({ ...sampleUpdate("fix-1"), tried: trial });
const document = parseJson(encodeManifest(sampleManifest(tried(TRIAL))), "manifest", 10_000);
const altered = (name: string, value: string | readonly string[]): Uint8Array =>
  alteredBytes(document, ["updates", 0, "tried", name], value);

describe("the trial of an update in a manifest", () => {
  it.each([
    ["without a script", TRIAL],
    ["with a script", { ...TRIAL, exercise: sha256Hex("ab".repeat(32)) }],
  ])("reads as it was written, %s", (_how, trial) => {
    const manifest = sampleManifest(tried(trial), sampleUpdate("fix-2"));
    expect(decodeManifest(encodeManifest(manifest))).toEqual(manifest);
  });

  it.each<[string, string | readonly string[]]>([
    ["verdict", "bad"],
    ["when", "today"],
    ["build_id", "ab".repeat(20)],
    ["build_id", "nothing"],
    ["engine", "QEMU 7"],
    ["accelerator", ""],
    ["cpu", "Has\u001bwell"],
    ["steps", "boot"],
    ["steps", ["\u202e"]],
    ["steps", Array.from({ length: 33 }, () => "load")],
    ["exercise", "abc"],
  ])("is refused with another %s: %j", (name, value) => {
    expect(() => decodeManifest(altered(name, value))).toThrow(/manifest/);
  });

  it("is of the manifest's own kernel", () => {
    const other = sampleManifest(tried({ ...TRIAL, buildId: buildId("ab".repeat(20)) }));
    expect(() => decodeManifest(encodeManifest(other))).toThrow("an update was tried on another kernel");
  });

  it("is one line for people", () => {
    expect(updateTrialText(TRIAL)).toBe(
      "ok at 2026-11-30T20:00:00Z in qemu (tcg, Haswell), without a reproducer: boot match apply undo",
    );
  });
});
