import { describe, expect, it } from "vitest";
import { judge, MAX_SHOWN_CHARACTERS, MAX_SHOWN_LINES } from "../../../publisher/try/judge.ts";
import type { GuestState, StepEnd, StepName, StepRecord } from "../../../publisher/try/trial.ts";

const WARNING = `[   12.345678] ------------[ cut here ]------------
[   12.345679] WARNING: CPU: 0 PID: 91 at fix.c:9 fixed+0x12/0x20 [rebootless_fix]
[   12.345680] Call Trace:
[   12.345681]  proc_reg_read_iter+0x5a/0xa0`;

const PASSED: StepEnd = { kind: "exit", code: 0, said: "" };
const LIVE_PATCHED = (1 << 12) | (1 << 13) | (1 << 15);
const CLEAN: GuestState = { taint: 0, modules: ["virtio_net"], patches: [] };
const PATCHED: GuestState = {
  taint: LIVE_PATCHED,
  modules: ["rebootless_fix", "virtio_net"],
  patches: ["rebootless_fix"],
};
const UNDONE: GuestState = { ...CLEAN, taint: LIVE_PATCHED };

const step = (name: StepName, state: GuestState = CLEAN, more: Partial<StepRecord> = {}): StepRecord => ({
  step: name,
  ms: 1,
  end: PASSED,
  log: "",
  state,
  ...more,
});

const GOOD: readonly StepRecord[] = [
  step("boot"),
  step("load_before"),
  step("set_up"),
  step("match"),
  step("apply", PATCHED, { log: "[   10.0] livepatch: 'rebootless_fix': patching complete\n" }),
  step("load", PATCHED),
  step("exercise", PATCHED),
  step("undo", UNDONE),
  step("apply_again", PATCHED),
];

/** The good trial with another record of one step. */
const withStep = (name: StepName, more: Partial<StepRecord>): readonly StepRecord[] =>
  GOOD.map((record) => (record.step === name ? { ...record, ...more } : record));

describe("a trial", () => {
  it("is good if every step passed and the kernel is silent, with the taint of a live patch", () => {
    expect(judge(GOOD, "tcg")).toEqual({ verdict: "ok" });
  });

  it("is bad by a warning, and shows it from its first line on", () => {
    expect(judge(withStep("load", { log: `[ 1.0] quiet\n${WARNING}\n` }), "tcg")).toMatchObject({
      verdict: "bad",
      fault: "kernel_log",
      step: "load",
      detail: expect.stringContaining("WARNING: CPU: 0 PID: 91 at fix.c:9"),
      lines: WARNING.split("\n").slice(1),
    });
  });

  it("is bad by the first thing that is wrong", () => {
    const late = { end: { kind: "late", said: "" } as const };
    const both = withStep("apply", { log: WARNING }).map((one) =>
      one.step === "load" ? { ...one, ...late } : one,
    );
    expect(judge(both, "tcg")).toMatchObject({ step: "apply", fault: "kernel_log" });
  });

  it.each<[string, StepName, Partial<StepRecord>, string]>([
    ["a guest that went down", "load", { end: { kind: "down", said: "Oops: 0000 [#1]" } }, "down"],
    ["a step that does not end", "apply", { end: { kind: "late", said: "waiting" } }, "late"],
    [
      "a client that refuses",
      "match",
      { end: { kind: "exit", code: 6, said: "error: it does not match" } },
      "client",
    ],
    ["a load that fails", "load", { end: { kind: "exit", code: 1, said: "umount" } }, "load"],
    [
      "a script that fails with the update",
      "exercise",
      { end: { kind: "exit", code: 1, said: "" } },
      "reproducer",
    ],
    ["a bad page", "load", { state: { ...PATCHED, taint: LIVE_PATCHED | (1 << 5) } }, "taint"],
    ["a module that stays", "undo", { state: { ...UNDONE, modules: PATCHED.modules } }, "left_over"],
    ["a live patch that stays", "undo", { state: { ...UNDONE, patches: PATCHED.patches } }, "left_over"],
  ])("is bad by %s", (_what, name, more, fault) => {
    expect(judge(withStep(name, more), "tcg")).toMatchObject({ verdict: "bad", step: name, fault });
  });

  it("does not count what tainted the kernel before the update", () => {
    const oldTaint = GOOD.map((record) => ({
      ...record,
      state: record.state && { ...record.state, taint: record.state.taint | (1 << 9) },
    }));
    expect(judge(oldTaint, "tcg")).toEqual({ verdict: "ok" });
  });

  it("keeps a bounded number of short lines without control characters", () => {
    const said = `${"x".repeat(5000)}\n\u001b[31mred\n${"line\n".repeat(500)}`;
    const verdict = judge(withStep("load", { end: { kind: "exit", code: 1, said } }), "tcg");
    expect(verdict).toMatchObject({ verdict: "bad", lines: expect.any(Array) });
    const lines = verdict.verdict === "bad" ? verdict.lines : [];
    expect(lines).toHaveLength(MAX_SHOWN_LINES);
    expect(lines[0]?.length).toBeLessThanOrEqual(MAX_SHOWN_CHARACTERS + 1);
    expect(lines[1]).toBe("\\x1b[31mred");
  });
});

describe("a script that shows what the update fixes", () => {
  const tried = (end: StepEnd, log = "", state = CLEAN): readonly StepRecord[] => [
    step("boot"),
    step("exercise_before", state, { end, log }),
    ...GOOD,
  ];

  it.each<[string, StepEnd]>([
    ["fail", { kind: "exit", code: 1, said: "" }],
    ["hang", { kind: "late", said: "" }],
    ["crash the kernel", { kind: "down", said: "Kernel panic - not syncing" }],
  ])("may %s without it", (_how, end) => {
    expect(judge(tried(end, WARNING), "tcg")).toEqual({ verdict: "ok" });
  });

  it("may leave the taint of an oops in its own guest", () => {
    const oopsed = { ...CLEAN, taint: 1 << 7 };
    expect(judge(tried({ kind: "exit", code: 137, said: "" }, WARNING, oopsed), "tcg")).toEqual({
      verdict: "ok",
    });
  });

  it("must not pass without it", () => {
    expect(judge(tried(PASSED), "tcg")).toMatchObject({
      verdict: "bad",
      fault: "reproducer",
      step: "exercise_before",
    });
  });
});
