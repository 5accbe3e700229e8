import { describe, expect, it } from "vitest";
import {
  type FollowItem,
  failedState,
  type ItemState,
  isOpen,
  MAX_STEP_ATTEMPTS,
  movedItem,
  nextStep,
} from "../../../publisher/follow/item.ts";
import { buildId, updateId } from "../../../shared/brand.ts";
import { instant } from "../../../shared/time.ts";

const draft = "made/fix/kernel/fix.json";
const itemIn = (state: ItemState): FollowItem => ({
  fix: updateId("fix"),
  kernel: buildId("1".repeat(40)),
  release: "6.1.0-1-amd64",
  state,
  seen: instant(0),
  untold: [],
});

describe("a fix for a kernel", () => {
  it("notes when it was ready and when it was in force", () => {
    const made = itemIn({ kind: "made", draft });
    const ready = movedItem(made, { kind: "tried ok", draft }, instant(1000), ["mail"]);
    const pushed = movedItem(ready, { kind: "pushed", draft }, instant(2000), ["mail"]);
    expect([ready.ready, ready.untold, pushed.ready, pushed.pushed, pushed.untold]).toEqual([
      1000,
      [],
      1000,
      2000,
      ["mail"],
    ]);
  });

  it.each([
    ["from an end", { kind: "pushed", draft }, { kind: "seen" }],
    ["past its trial", { kind: "made", draft }, { kind: "pushed", draft }],
    ["past making", { kind: "seen" }, { kind: "tried ok", draft }],
    ["out of a bad trial", { kind: "tried bad", draft, reason: "an oops" }, { kind: "tried ok", draft }],
  ] as const)("does not move %s", (_, from, to) => {
    expect(() => movedItem(itemIn(from), to, instant(0), [])).toThrow(RangeError);
  });

  it("takes a step again that failed, until it failed too often", () => {
    let item = itemIn({ kind: "made", draft });
    for (let attempt = 1; attempt <= MAX_STEP_ATTEMPTS; attempt++) {
      expect([nextStep(item), isOpen(item)]).toEqual(["try", true]);
      item = itemIn(failedState(item, "try", "no QEMU"));
      expect(item.state).toEqual({
        kind: "failed",
        step: "try",
        reason: "no QEMU",
        attempts: attempt,
        draft,
      });
    }
    expect([nextStep(item), isOpen(item)]).toEqual([undefined, false]);
  });

  it("counts the failures of each step for itself", () => {
    const failed = itemIn({ kind: "failed", step: "create", reason: "killed", attempts: 2 });
    expect(failedState(failed, "try", "no QEMU")).toMatchObject({ step: "try", attempts: 1 });
  });

  it("is not open while its archive lacks something, and is made all the same once it has it", () => {
    const item = itemIn({ kind: "not built", reason: "no headers" });
    expect([nextStep(item), isOpen(item)]).toEqual(["create", false]);
  });
});
