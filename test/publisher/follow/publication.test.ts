import { describe, expect, it } from "vitest";
import { NO_FOLLOW_STATE } from "../../../publisher/follow/follow_state.ts";
import { fixesBroughtBy } from "../../../publisher/follow/plan.ts";
import { type OfferedUpdate, planPublication } from "../../../publisher/follow/publication.ts";
import { sha256Hex, updateId } from "../../../shared/brand.ts";
import { instant } from "../../../shared/time.ts";
import { kernelNamed } from "./fake_world.ts";

const update = (
  name: string,
  functions: readonly string[],
  more: Partial<OfferedUpdate> = {},
): OfferedUpdate => ({
  id: updateId(name),
  modules: [sha256Hex("a".repeat(64))],
  functions: functions.map((one) => `${one} (vmlinux+${one})`),
  supersedes: [],
  isRecalled: false,
  ...more,
});
const plan = (
  ready: readonly OfferedUpdate[],
  updates: readonly OfferedUpdate[],
  brought: readonly string[] = [],
) => planPublication(ready, { version: 1, updates }, undefined, true, () => new Set(brought.map(updateId)));

describe("updates that replace the same function", () => {
  it("are not in force together: the later one is left out, and it is said why", () => {
    const { rest, overlapping, how } = plan([update("b", ["f", "h"])], [update("a", ["f", "g"])]);
    expect([rest, how]).toEqual([[], "nothing"]);
    expect(overlapping.map(({ id, reason }) => [id, reason.slice(0, 47)])).toEqual([
      ["b", "it replaces f (vmlinux+f), as a does, of which "],
    ]);
  });

  it("are told apart from those of the same name at other places", () => {
    const other = update("b", [], { functions: ["f (ext4+f)"] });
    expect(plan([other], [update("a", ["f"])]).rest).toEqual([{ id: "b", supersedes: [] }]);
  });

  it("do not hinder each other if one is recalled, superseded, or the same update in another build", () => {
    const standing = [
      update("a", ["f"], { isRecalled: true }),
      update("c", ["f"]),
      update("d", [], { supersedes: [updateId("c")] }),
      update("b", ["f"], { modules: [sha256Hex("b".repeat(64))] }),
    ];
    expect(plan([update("b", ["f"])], standing).rest).toEqual([{ id: "b", supersedes: [] }]);
    const names = update("b", ["f"], { supersedes: [updateId("a")] });
    expect(plan([names], [update("a", ["f"])]).how).toBe("push");
  });

  it("hinder each other in one publication, too", () => {
    const { rest, overlapping } = plan([update("a", ["f"]), update("b", ["f"])], []);
    expect([rest.map(({ id }) => id), overlapping.map(({ id }) => id)]).toEqual([["a"], ["b"]]);
  });

  it("may be brought by one, which then supersedes the other, if it replaces all of its functions", () => {
    const fix = update("fix", ["f", "g"]);
    const step = update("step", ["f", "g", "h"]);
    expect(plan([step], [fix], ["fix"]).rest).toEqual([{ id: "step", supersedes: ["fix"] }]);
    expect(plan([update("step", ["f", "h"])], [fix], ["fix"]).rest).toEqual([]);
  });
});

describe("a step", () => {
  const [old, newer] = [kernelNamed("1"), kernelNamed("2")];
  const about = {
    subject: "",
    cves: [],
    digest: sha256Hex("c".repeat(64)),
    seen: instant(0),
    supersedes: [],
  };
  const to = sha256Hex("e".repeat(64));
  const served = [old, { ...newer, ...(newer.source && { source: { ...newer.source, sha256: to } }) }];
  const item = (fix: string, kernel: typeof old, kind: "already in" | "unchanged") => ({
    fix: updateId(fix),
    kernel: kernel.buildId,
    release: kernel.release,
    state: { kind },
    seen: instant(0),
    untold: [],
  });
  const state = {
    ...NO_FOLLOW_STATE,
    fixes: [
      {
        ...about,
        id: updateId("step"),
        origin: "step",
        kind: "step" as const,
        retired: false,
        step: { from: sha256Hex("a".repeat(64)), to },
      },
    ],
    items: [item("a", newer, "already in"), item("b", newer, "unchanged"), item("c", old, "already in")],
  };

  it("brings the fixes that its newer source has already", () => {
    expect([...fixesBroughtBy(state, updateId("step"), served)]).toEqual(["a"]);
    expect([...fixesBroughtBy(state, updateId("a"), served)]).toEqual([]);
  });
});
