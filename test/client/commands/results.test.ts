import { beforeEach, describe, expect, it } from "vitest";
import type { Result } from "../../../client/apply/result.ts";
import { Results } from "../../../client/commands/results.ts";
import type { Context } from "../../../client/context.ts";
import { RunRecord } from "../../../client/run_record.ts";
import { terminal } from "../../../node/cli/terminal.ts";
import { objectName, updateId } from "../../../shared/brand.ts";
import { type ErrorCode, RebootlessError } from "../../../shared/errors.ts";

const output = { stdout: "", stderr: "" };
const logged: string[] = [];
beforeEach(() => {
  Object.assign(output, { stdout: "", stderr: "" });
  logged.length = 0;
});

async function resultsOf(all: readonly Result[], json = false): Promise<Results> {
  const streams = {
    stdout: (text: string) => {
      output.stdout += text;
    },
    stderr: (text: string) => {
      output.stderr += text;
    },
  };
  const record = new RunRecord(async (line) => void logged.push(line));
  const results = new Results({
    terminal: terminal({ program: "rebootless", json, quiet: false }, streams),
    record,
  } as Context);
  for (const result of all) await results.report(result);
  return results;
}

const id = updateId("fix");
const applied: Result = { id, result: "applied", milliseconds: 9, pending: [], replaced: [] };
const failed = (name: string, code: ErrorCode = "apply"): Result => ({
  id: updateId(name),
  result: "failed",
  error: new RebootlessError(code, `${name} failed`, { hint: "Try again.", details: { cause: "code_busy" } }),
});

async function failure(...all: readonly Result[]): Promise<RebootlessError> {
  const results = await resultsOf(all);
  try {
    await results.of(
      "upgrade",
      () => ({ build_id: "ab" }),
      async () => undefined,
    );
  } catch (error) {
    if (error instanceof RebootlessError) return error;
    throw error;
  }
  throw new Error("it did not fail");
}

describe("the end of a run", () => {
  it("is its answer when nothing failed", async () => {
    const results = await resultsOf([applied], true);
    await results.of(
      "upgrade",
      () => ({ build_id: "ab" }),
      async () => undefined,
    );
    expect(JSON.parse(output.stdout)).toEqual({
      schema: 1,
      command: "upgrade",
      build_id: "ab",
      results: [{ id: "fix", result: "applied", milliseconds: 9, pending: [], replaced: [] }],
    });
  });

  it("is the failure itself when nothing else was done", async () => {
    expect(await failure(failed("a", "runpre"))).toMatchObject({
      code: "runpre",
      message: "a failed",
      hint: "Try again.",
    });
  });

  it("is the first failure's kind when several failed and nothing was done", async () => {
    expect(await failure(failed("a", "runpre"), failed("b"))).toMatchObject({
      code: "runpre",
      message: "0 done, 2 could not be: a, b",
    });
  });

  it("is partly applied when something was done", async () => {
    expect(await failure(applied, failed("b"))).toMatchObject({
      code: "partly_applied",
      message: "1 done, 1 could not be: b",
      cause: { message: "b failed" },
    });
  });

  it("is that it was asked to end, when something was left undone for it", async () => {
    const left: Result = {
      id: updateId("c"),
      result: "left_out",
      why: { id: updateId("c"), reason: "stopped" },
    };
    expect(await failure(applied, left)).toMatchObject({
      code: "stopped",
      message: "asked to end: 1 done; not done: c",
      hint: "No update is half done. Run it again for the others.",
    });
    expect(await failure(applied, failed("b", "stopped"), left)).toMatchObject({
      code: "stopped",
      message: "asked to end: 1 done; not done: b, c",
      hint: "Try again.",
      cause: { message: "b failed" },
    });
    expect(await failure(failed("b", "stopped"))).toMatchObject({ code: "stopped", message: "b failed" });
  });

  it("has what was done when the host's own disk or kernel cuts the run short", async () => {
    const results = await resultsOf([applied], true);
    const full = new RebootlessError("io", "cannot write", {
      hint: "The disk is full.",
      cause: new Error("x"),
    });
    const run = results.of(
      "upgrade",
      () => ({ build_id: "ab" }),
      () => Promise.reject(full),
    );
    await expect(run).rejects.toMatchObject({
      code: "io",
      hint: "The disk is full.",
      cause: { message: "x" },
      answer: {
        build_id: "ab",
        results: [
          new Map(
            Object.entries({ id: "fix", result: "applied", milliseconds: 9, pending: [], replaced: [] }),
          ),
        ],
      },
    });
  });

  it("has every result for programs, failed or not", async () => {
    const { answer } = await failure(applied, failed("b"));
    expect(answer["build_id"]).toBe("ab");
    expect(answer["results"]).toHaveLength(2);
  });
});

describe("a result", () => {
  it.each<[string, Result]>([
    ["applied    fix in 9 ms", applied],
    [
      "applied    fix in 9 ms; replaces old; pending until they are loaded: kvm",
      { ...applied, pending: [objectName("kvm")], replaced: ["old"] },
    ],
    [
      "would apply fix: verified and matched, not loaded",
      { id, result: "would_apply", pending: [], replaced: [] },
    ],
    [
      "undone     fix in 3 ms: it was recalled",
      { id, result: "undone", milliseconds: 3, why: "it was recalled" },
    ],
    ["settled    fix: a run was cut short; it is not applied", { id, result: "settled", applied: false }],
    [
      "left out   fix: it needs base, which is not applied",
      { id, result: "left_out", why: { id, reason: "missing", needs: updateId("base") } },
    ],
    [
      "left out   fix: it would take out a, theirs, which it does not supersede; --replace-others allows it",
      {
        id,
        result: "left_out",
        why: { id, reason: "replaces", updates: [updateId("a")], foreign: ["theirs"] },
      },
    ],
  ])("is told as: %s", async (line, result) => {
    await resultsOf([result]);
    expect(output).toEqual({ stdout: `${line}\n`, stderr: "" });
  });

  it("is a warning when what was recalled is kept", async () => {
    await resultsOf([{ id, result: "kept", why: "it leaks" }]);
    expect(output.stdout).toBe("");
    expect(output.stderr).toMatch(/^warning: fix was recalled and is still applied: it leaks/);
  });

  it("is not told again at every run when another update made it needless", async () => {
    await resultsOf([{ id, result: "left_out", why: { id, reason: "superseded", by: updateId("next") } }]);
    expect(output).toEqual({ stdout: "", stderr: "" });
  });

  it("is logged when it changed something or failed", async () => {
    await resultsOf([
      applied,
      failed("b"),
      { id, result: "would_undo", why: "as you asked" },
      { id, result: "settled", applied: true },
    ]);
    expect(logged).toHaveLength(3);
  });
});
