import { expect, it } from "vitest";
import type { Result } from "../../../client/apply/result.ts";
import { Results } from "../../../client/commands/results.ts";
import { RunRecord } from "../../../client/report/run_record.ts";
import { updateId } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { terminal } from "../../../shared/terminal.ts";

const applied = (id: string): Result => ({
  id: updateId(id),
  result: "applied",
  milliseconds: 1,
  pending: [],
  replaced: [],
});
const failed = (id: string): Result => ({
  id: updateId(id),
  result: "failed",
  error: new RebootlessError("apply", `could not apply ${id}`, { details: { cause: "code_busy" } }),
});

/** What a run with these results says with --json, and its exit code. */
async function answerTo(...list: readonly Result[]) {
  const said: string[] = [];
  const streams = { stdout: (text: string) => void said.push(text), stderr: () => undefined };
  const spoken = terminal({ json: true, quiet: false }, streams);
  const results = new Results({ terminal: spoken, record: new RunRecord(async () => undefined) });
  for (const result of list) await results.report(result);
  try {
    results.conclude("upgrade", { dry_run: false });
    return { code: 0, json: JSON.parse(said.join("")) };
  } catch (error) {
    const code = spoken.fail("upgrade", error);
    return { code, json: JSON.parse(said.join("")) };
  }
}

it("a run in which all goes well answers with its results", async () => {
  const { code, json } = await answerTo(applied("a"));
  expect(code).toBe(0);
  expect(json).toMatchObject({
    command: "upgrade",
    dry_run: false,
    results: [{ id: "a", result: "applied" }],
  });
});

it("a run that went well in part has what was done beside the error", async () => {
  const { code, json } = await answerTo(applied("a"), failed("b"));
  expect(code).toBe(11);
  expect(json).toMatchObject({
    error: { code: "partly_applied" },
    dry_run: false,
    results: [
      { id: "a", result: "applied" },
      { id: "b", result: "failed", cause: "code_busy" },
    ],
  });
});

it("a single failure is told as itself", async () => {
  const { code, json } = await answerTo(failed("b"));
  expect(code).toBe(9);
  expect(json).toMatchObject({
    error: { code: "apply", message: "could not apply b", details: { cause: "code_busy" } },
    results: [{ id: "b" }],
  });
});
