import { describe, expect, it } from "vitest";
import type { UpdateReport } from "../../../../publisher/create/update.ts";
import { objectName } from "../../../../shared/brand.ts";
import type { Trial } from "../../create/guest/module_runner.ts";
import { afterTrials, outcomeOf } from "./fix_outcome.ts";

const report = (parts: Partial<UpdateReport>): UpdateReport => ({
  outcome: "refused",
  units: [],
  same: [],
  ignored: [],
  refusals: [],
  notes: [],
  ...parts,
});
const unit = (parts: { readonly changed: readonly string[]; readonly unused: readonly string[] }) => ({
  source: "fs/pond.c",
  object: objectName("pond"),
  outcome: "patch" as const,
  refusals: [],
  added: [],
  dropped: [],
  initOnly: [],
  notes: [],
  ...parts,
});
const refusal = (code: "compile" | "changed_data", advice = "Leave it.") => ({
  code,
  subject: "pond",
  reason: "it is wet",
  advice,
});
const trial = (parts: Partial<Trial>): Trial => ({
  name: "pond",
  order: "none",
  loaded: true,
  undone: true,
  problems: [],
  seen: {},
  ms: 1,
  ...parts,
});

describe("the outcome of a fix", () => {
  it("is live with what it replaces, unless other files use what it brings", () => {
    const made = { outcome: "made" as const };
    const live = report({ ...made, units: [unit({ changed: ["pond_open", "pond_close"], unused: [] })] });
    expect(outcomeOf(live)).toEqual({ kind: "live", functions: 2, loops: [] });
    const part = report({ ...made, units: [unit({ changed: ["pond_open"], unused: ["pond_new"] })] });
    expect(outcomeOf(part)).toMatchObject({ kind: "alone" });
    expect(outcomeOf(report({ outcome: "unchanged" }))).toEqual({ kind: "unchanged" });
  });

  it("is a refusal with reasons, and wrong without words", () => {
    const refused = outcomeOf(report({ refusals: [refusal("changed_data")] }));
    expect(refused).toEqual({ kind: "refused", reasons: [refusal("changed_data")] });
    expect(outcomeOf(report({ refusals: [refusal("compile")] }))).toMatchObject({ kind: "alone" });
    expect(outcomeOf(report({ refusals: [refusal("changed_data", "")] }))).toMatchObject({ kind: "wrong" });
    expect(outcomeOf(report({}))).toMatchObject({ kind: "wrong" });
  });

  it("is wrong if its module was not tried, does not load or go, or the kernel complains", () => {
    const live = { kind: "live" as const, functions: 1, loops: [] };
    expect(afterTrials(live, [trial({ order: "before" }), trial({ order: "after" })])).toEqual(live);
    expect(afterTrials(live, [])).toMatchObject({ kind: "wrong" });
    for (const bad of [trial({ loaded: false }), trial({ undone: false }), trial({ problems: ["BUG"] })])
      expect(afterTrials(live, [trial({}), bad])).toMatchObject({ kind: "wrong" });
  });

  it("is stuck if the transition of a thread's main loop does not end, as the report says", () => {
    const note =
      "pond_thread calls kthread_should_stop: hosts can neither apply nor undo this update while that thread runs";
    const looped = outcomeOf(
      report({
        outcome: "made",
        units: [{ ...unit({ changed: ["pond_thread"], unused: [] }), notes: [note] }],
      }),
    );
    const late = trial({
      loaded: false,
      problems: ["apply: the transition does not end: /proc/7/patch_state"],
    });
    expect(afterTrials(looped, [late])).toEqual({ kind: "stuck", loops: [note] });
    expect(afterTrials(looped, [trial({})])).toEqual(looped);
    expect(afterTrials(looped, [trial({ loaded: false, problems: ["BUG"] })])).toMatchObject({
      kind: "wrong",
    });
    const live = { kind: "live" as const, functions: 1, loops: [] };
    expect(afterTrials(live, [late])).toMatchObject({ kind: "wrong" });
  });

  it("is none if the module does not load without the update either, for want of a device", () => {
    const live = { kind: "live" as const, functions: 1, loops: [] };
    const said = "the target pond does not load: insmod: can't insert '/tmp/target.ko': No such device";
    const before = trial({ order: "before", loaded: false, undone: false, problems: [said] });
    const after = trial({
      order: "after",
      loaded: false,
      undone: false,
      problems: ["invalid module format"],
    });
    expect(afterTrials(live, [before, after])).toMatchObject({ kind: "untried" });
    expect(afterTrials(live, [{ ...before, order: "after" }])).toMatchObject({ kind: "wrong" });
    expect(afterTrials(live, [{ ...before, problems: [said, "BUG"] }])).toMatchObject({ kind: "wrong" });
  });
});
