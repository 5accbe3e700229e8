import { describe, expect, it } from "vitest";
import {
  countedRows,
  decodeRow,
  type KernelMaking,
  makingOf,
  rowJson,
  rowText,
  worstExit,
} from "../../../publisher/commands/kernel_making.ts";
import type { ServedKernel } from "../../../publisher/kernels/served_kernel.ts";
import { buildId, sha256Hex } from "../../../shared/brand.ts";
import { encodeJson, jsonObject } from "../../../shared/json.ts";

const KERNEL: ServedKernel = {
  release: "6.1.0-56-cloud-amd64",
  buildId: buildId("ab".repeat(20)),
  archive: "debian",
  distribution: "Debian 12",
  purl: "pkg:deb/debian/linux-image@6.1.192-2?arch=amd64",
  compiler: undefined,
  image: { package: "i", version: "6.1.192-2", file: "i.deb", bytes: 1, sha256: sha256Hex("00".repeat(32)) },
  modules: [],
  headers: undefined,
  source: undefined,
};

const ended = (code: number, answer: object) =>
  makingOf({ code, stdout: `${JSON.stringify(answer)}\n`, stderr: "" });
const error = (message: string) => ({ error: { message } });

describe("what became of a kernel", () => {
  it("is what the run for it says", () => {
    expect(ended(0, { id: "fix-1", outcome: "made" })).toEqual({ kind: "made", id: "fix-1" });
    expect(ended(17, { outcome: "unchanged" })).toEqual({ kind: "unchanged" });
    expect(ended(16, { ...error("a: b"), outcome: "refused" })).toEqual({ kind: "refused", reason: "a: b" });
    expect(ended(2, { ...error("no"), outcome: "already_in" })).toEqual({ kind: "already in" });
    expect(ended(2, { ...error("no"), outcome: "does_not_apply" })).toEqual({
      kind: "does not apply",
      reason: "no",
    });
    expect(ended(2, error("no"))).toEqual({ kind: "failed", reason: "no", exitCode: 2 });
  });

  it("is a failure if the run was ended before it could say anything", () => {
    const failed = { kind: "failed", reason: "Killed", exitCode: 128 };
    expect(makingOf({ code: 128, stdout: "", stderr: "x\nKilled\n" })).toEqual(failed);
    expect(makingOf({ code: 0, stdout: "", stderr: "" })).toMatchObject({ kind: "failed", exitCode: 1 });
    expect(() => makingOf({ code: 0, stdout: '{"id": 5', stderr: "" })).toThrow();
  });

  const made: KernelMaking = { kind: "made", id: "x" };
  const unchanged: KernelMaking = { kind: "unchanged" };
  const isIn: KernelMaking = { kind: "already in" };
  const other: KernelMaking = { kind: "does not apply", reason: "r" };
  const refused: KernelMaking = { kind: "refused", reason: "r" };
  const failed: KernelMaking = { kind: "failed", reason: "r", exitCode: 5 };
  it.each([
    [[made, unchanged, isIn], 0],
    [[unchanged, isIn], 17],
    [[made, other], 18],
    [[made, other, refused], 16],
    [[refused, failed, made], 5],
  ])("decides the exit code: %j, %i", (outcomes, code) => {
    expect(worstExit(outcomes)).toBe(code);
  });

  it("is a line of the table, and is read again as it was written down", () => {
    for (const outcome of [made, unchanged, isIn, other, refused]) {
      const row = { kernel: KERNEL, outcome, folder: "fix" };
      const record = encodeJson(jsonObject({ ...Object.fromEntries(rowJson(row)), asked: "digest" }));
      expect(decodeRow(record, "file", KERNEL)).toEqual({ ...row, asked: "digest" });
    }
    const row = { kernel: KERNEL, outcome: refused, folder: undefined };
    expect(rowText(row)).toMatch(/^6\.1\.0-56-cloud-amd64 +6\.1\.192-2 +refused +r$/);
    expect(countedRows([row, { ...row, outcome: made }, row])).toBe("3 kernels: 2 refused, 1 made");
    const record = encodeJson(
      jsonObject({ ...Object.fromEntries(rowJson({ ...row, outcome: failed })), asked: "d" }),
    );
    expect(() => decodeRow(record, "file", KERNEL)).toThrow(/failed is no outcome/);
  });
});
