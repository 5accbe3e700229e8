import { describe, expect, it } from "vitest";
import { decodeTried, encodeTried, type TriedDraft } from "../../../publisher/try/tried.ts";
import { triedFile } from "../../../publisher/try/tried_file.ts";
import { buildId, objectName, sha256Hex } from "../../../shared/brand.ts";
import { parseInstant } from "../../../shared/time.ts";

const OK: TriedDraft = {
  when: parseInstant("2026-11-30T20:00:00Z"),
  kernel: { buildId: buildId("ab".repeat(20)), release: "6.12.117-cloud-amd64" },
  modules: [{ name: objectName("fix"), sha256: sha256Hex("cd".repeat(32)) }],
  machine: { accelerator: "tcg", cpu: "Haswell" },
  exercise: null,
  steps: [
    { step: "boot", ms: 9000 },
    { step: "apply", ms: 5000 },
  ],
  changes: [{ id: "fix-1", did: "applied", ms: 1234 }],
  verdict: { verdict: "ok" },
};

const BAD: TriedDraft = {
  ...OK,
  exercise: sha256Hex("ef".repeat(32)),
  verdict: {
    verdict: "bad",
    fault: "kernel_log",
    step: "load",
    detail: "the kernel says: WARNING",
    lines: ["WARNING: CPU: 0", "Call Trace:"],
  },
};

const changed = (change: (text: string) => string): Uint8Array =>
  Buffer.from(change(Buffer.from(encodeTried(BAD)).toString()));

describe("the file beside a draft", () => {
  it.each([
    ["good", OK],
    ["bad", BAD],
  ])("says the same when it is read back: %s", (_verdict, tried) => {
    expect(decodeTried(encodeTried(tried))).toEqual(tried);
  });

  it.each<[string, (text: string) => string]>([
    ["another format", (text) => text.replace('"format":1', '"format":2')],
    ["another verdict", (text) => text.replace('"bad"', '"fine"')],
    ["no verdict", (text) => text.replace('"verdict":"bad",', "")],
    ["a bad verdict without its step", (text) => text.replace('"step":"load","detail"', '"detail"')],
    ["a step that does not exist", (text) => text.replace('"boot"', '"dance"')],
    ["a digest that is none", (text) => text.replace("cd".repeat(32), "cd")],
    ["a line with a control character", (text) => text.replace("Call Trace:", "\\u001b[2J")],
    ["another engine", (text) => text.replace('"qemu"', '"luck"')],
  ])("is refused with %s", (_what, change) => {
    const bytes = changed(change);
    expect(bytes).not.toEqual(Buffer.from(encodeTried(BAD)));
    expect(() => decodeTried(bytes)).toThrow(/^tried/);
  });

  it("is named for the draft", () => {
    expect(triedFile("fix/fix-1.json")).toBe("fix/fix-1.tried.json");
    expect(triedFile("draft")).toBe("draft.tried.json");
  });
});
