import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type PlanInput, planUpdates } from "../../../client/plan/plan.ts";
import { orderUndo } from "../../../client/plan/undo_order.ts";
import type { UpdateId } from "../../../shared/brand.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { type Relations, sampleUpdate as update } from "../../shared/feed/sample.ts";

const ids = (updates: readonly Update[]) => updates.map(({ id }) => id);
const set = (...names: readonly string[]) => new Set(names) as ReadonlySet<string> as ReadonlySet<UpdateId>;
const NONE = set();

/** The plan of a host whose administrator left everything as it is. */
function plan(updates: readonly Update[], applied: ReadonlySet<UpdateId>, more: Partial<PlanInput> = {}) {
  const { steps, leftOut } = planUpdates({
    updates,
    applied,
    foreign: [],
    withheld: new Map(),
    suspects: NONE,
    failed: NONE,
    asked: undefined,
    replaceOthers: false,
    ...more,
  });
  return { steps, updates: steps.map((step) => step.update), leftOut };
}

/** Up to ten updates that may depend on, and conflict with, anything, themselves and the unknown included. */
const anyGraph = fc.uniqueArray(fc.constantFrom(..."abcdefghij"), { minLength: 1 }).chain((names) => {
  const some = fc.uniqueArray(fc.constantFrom(...names, "unknown"), { maxLength: 3 });
  const relations: fc.Arbitrary<Relations> = fc.record({
    depends: some,
    conflicts: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: some }),
    recalled: fc.constantFrom(null, null, null, "it leaks"),
    supersedes: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: some }),
    day: fc.nat(3),
  });
  const others = (name: string, made: Relations) => made.supersedes?.filter((other) => other !== name) ?? [];
  return fc.tuple(
    ...names.map((name) =>
      relations.map((made) => update(name, { ...made, supersedes: others(name, made) })),
    ),
  );
});
const graphAndApplied = fc
  .tuple(anyGraph, fc.infiniteStream(fc.integer({ min: 0, max: 3 })))
  .map(([all, coins]) => {
    const applied = all.filter(() => coins.next().value === 0);
    return { all, applied: set(...ids(applied)) };
  });

const withheld = (...ids: readonly string[]): PlanInput["withheld"] =>
  new Map(
    [...set(...ids)].map((id) => [id, { id, reason: "held", until: null, detail: "held" } as const] as const),
  );
const reasons = ({ leftOut }: { readonly leftOut: readonly { id: UpdateId; reason: string }[] }) =>
  leftOut.map(({ id, reason }) => `${id} ${reason}`).sort();

/** Whether a dependency on `id` is met by what stands: by itself, or by one that supersedes it over any way. */
function met(id: string, all: readonly Update[], standing: ReadonlySet<string>, seen = [id]): boolean {
  if (standing.has(id)) return true;
  return all.some(
    (other) =>
      other.supersedes.some((one) => one === id) &&
      !seen.includes(other.id) &&
      met(other.id, all, standing, [...seen, other.id]),
  );
}

describe("the order of applying", () => {
  it("accounts for every update once: applied already, to be applied, or left out", () => {
    fc.assert(
      fc.property(graphAndApplied, ({ all, applied }) => {
        const { updates, leftOut } = plan(all, applied);
        const named = [...applied, ...ids(updates), ...leftOut.map(({ id }) => id)].sort();
        expect(named).toEqual(ids(all).sort());
      }),
    );
  });

  it("puts every update after what it depends on, and never two that conflict together", () => {
    fc.assert(
      fc.property(graphAndApplied, ({ all, applied }) => {
        const standing = new Set(applied);
        for (const next of plan(all, applied).updates) {
          expect(next.recalled).toBeNull();
          for (const needed of next.depends) expect(met(needed, all, standing), needed).toBe(true);
          for (const other of all.filter(({ id }) => standing.has(id))) {
            expect(next.conflicts).not.toContain(other.id);
            expect(other.conflicts).not.toContain(next.id);
          }
          standing.add(next.id);
        }
      }),
    );
  });

  it("is the same however the manifest is shuffled", () => {
    const shuffled = graphAndApplied.chain(({ all, applied }) =>
      fc.record({
        all: fc.constant(all),
        applied: fc.constant(applied),
        other: fc.shuffledSubarray([...all], { minLength: all.length }),
      }),
    );
    fc.assert(
      fc.property(shuffled, ({ all, applied, other }) => {
        expect(plan(other, applied)).toEqual(plan(all, applied));
      }),
    );
  });

  it("goes by publication where nothing depends, and by id on the same day", () => {
    const all = [update("c", { day: 1 }), update("a", { day: 2 }), update("d"), update("b", { day: 1 })];
    expect(ids(plan(all, NONE).updates)).toEqual(["d", "b", "c", "a"]);
  });

  it("puts a dependency first although it was published later", () => {
    const all = [update("old", { depends: ["new"] }), update("new", { day: 9 })];
    expect(ids(plan(all, NONE).updates)).toEqual(["new", "old"]);
  });

  it.each<[string, readonly Update[], ReadonlySet<UpdateId>, object]>([
    [
      "a recall, with its reason",
      [update("a", { recalled: "it leaks" })],
      NONE,
      { reason: "recalled", why: "it leaks" },
    ],
    [
      "a dependency that nobody has",
      [update("a", { depends: ["z"] })],
      NONE,
      { reason: "missing", needs: "z" },
    ],
    [
      "a conflict with what is applied",
      [update("a", { conflicts: ["b"] }), update("b")],
      set("b"),
      { reason: "conflict", with: "b" },
    ],
    [
      "a conflict that only the other declares",
      [update("a"), update("b", { conflicts: ["a"] })],
      set("b"),
      { reason: "conflict", with: "b" },
    ],
    ["a dependency on itself", [update("a", { depends: ["a"] })], NONE, { reason: "cycle" }],
  ])("names %s", (_, all, applied, why) => {
    expect(plan(all, applied)).toEqual({ steps: [], updates: [], leftOut: [{ id: "a", ...why }] });
  });

  it("leaves out a circle and what stands on it, and nothing else", () => {
    const circle = [
      update("a", { depends: ["c"] }),
      update("b", { depends: ["a"] }),
      update("c", { depends: ["b"] }),
    ];
    const { updates, leftOut } = plan([...circle, update("d", { depends: ["a"] }), update("e")], NONE);
    expect(ids(updates)).toEqual(["e"]);
    expect(leftOut.map(({ id }) => id).sort()).toEqual(["a", "b", "c", "d"]);
    expect(leftOut).toContainEqual({ id: "a", reason: "cycle" });
  });

  it("takes the earlier of two that conflict", () => {
    const { updates, leftOut } = plan([update("b", { conflicts: ["a"] }), update("a", { day: 1 })], NONE);
    expect(ids(updates)).toEqual(["b"]);
    expect(leftOut).toEqual([{ id: "a", reason: "conflict", with: "b" }]);
  });

  it("follows the longest chain that a manifest can hold", () => {
    const chain = Array.from({ length: 4096 }, (_, i) =>
      update(`u-${i}`, i < 4095 ? { depends: [`u-${i + 1}`] } : {}),
    );
    expect(plan(chain, NONE).updates).toHaveLength(4096);
    expect(orderUndo(chain, set(...ids(chain)), set("u-4095"))).toHaveLength(4096);
  });
});

describe("an update that another supersedes", () => {
  const old = update("old");
  const next = update("new", { supersedes: ["old"], day: 1 });

  it("is not applied", () => {
    expect(plan([old, next], NONE)).toMatchObject({
      updates: [next],
      leftOut: [{ id: "old", reason: "superseded", by: "new" }],
    });
  });

  it("is not applied after the other", () => {
    expect(reasons(plan([old, next], set("new")))).toEqual(["old superseded"]);
  });

  it("stays where it is applied, and the other comes on top", () => {
    expect(plan([old, next], set("old"))).toMatchObject({ updates: [next], leftOut: [] });
  });

  it.each<[string, Update, Partial<PlanInput>]>([
    ["is recalled", { ...next, recalled: "it leaks" }, {}],
    ["is withheld", next, { withheld: withheld("new") }],
    ["is a suspect", next, { suspects: set("new") }],
    ["failed before in this run", next, { failed: set("new") }],
    ["depends on what nobody has", { ...next, depends: [...set("z")] }, {}],
    ["is not asked for", next, { asked: set("old") }],
  ])("is applied where the other %s", (_, other, more) => {
    expect(ids(plan([old, other], NONE, more).updates)).toEqual(["old"]);
  });

  it("is needless over any number of steps", () => {
    const all = [old, next, update("newest", { supersedes: ["new"], day: 2 })];
    expect(ids(plan(all, NONE).updates)).toEqual(["newest"]);
    const recalled = all.map((one) => (one.id === "new" ? { ...one, recalled: "it leaks" } : one));
    expect(ids(plan(recalled, NONE).updates)).toEqual(["newest"]);
  });

  it("gives way to the newer of two that supersede each other", () => {
    const all = [update("a", { supersedes: ["b"] }), update("b", { supersedes: ["a"], day: 1 })];
    expect(ids(plan(all, NONE).updates)).toEqual(["b"]);
  });

  it("is as good as there for what depends on it", () => {
    const above = update("above", { depends: ["old"] });
    expect(ids(plan([above, old, next], NONE).updates)).toEqual(["new", "above"]);
    expect(ids(plan([above, old, next], set("new")).updates)).toEqual(["above"]);
  });

  it("is applied where the other stands on what needs it", () => {
    const above = update("above", { depends: ["old"] });
    const other = update("new", { supersedes: ["old"], depends: ["above"], day: 1 });
    expect(ids(plan([above, old, other], NONE).updates)).toEqual(["old", "above", "new"]);
  });

  it("may conflict with the other", () => {
    const other = update("new", { supersedes: ["old"], conflicts: ["old"], day: 1 });
    expect(ids(plan([old, other], NONE).updates)).toEqual(["new"]);
    expect(reasons(plan([old, other], set("old")))).toEqual(["new conflict"]);
  });
});

describe("an atomic replace", () => {
  const [a, b] = [update("a"), update("b")];
  const all = [a, b, update("r", { replace: true, supersedes: ["a", "b"], day: 1 })];

  it("takes out what it supersedes, and says what that is", () => {
    const { steps } = plan(all, set("a", "b"));
    expect(steps).toMatchObject([{ update: { id: "r" }, replaces: ["a", "b"], replacesForeign: [] }]);
  });

  it("comes before what it would take out", () => {
    const { steps, leftOut } = plan([...all, update("c")], NONE);
    expect(steps.map((step) => [step.update.id, step.replaces])).toEqual([
      ["r", []],
      ["c", []],
    ]);
    expect(reasons({ leftOut })).toEqual(["a superseded", "b superseded"]);
  });

  it("is left out where it would take out what it does not supersede, or a patch of others", () => {
    expect(plan([...all, update("c")], set("a", "c")).leftOut).toContainEqual({
      id: "r",
      reason: "replaces",
      updates: ["c"],
      foreign: [],
    });
    const { leftOut, updates } = plan(all, set("a"), { foreign: ["kpatch_x"] });
    expect(leftOut).toEqual([{ id: "r", reason: "replaces", updates: [], foreign: ["kpatch_x"] }]);
    expect(ids(updates)).toEqual(["b"]);
  });

  it("takes out anything when that is asked for", () => {
    const { steps } = plan([...all, update("c")], set("a", "c"), {
      foreign: ["kpatch_x"],
      replaceOthers: true,
    });
    expect(steps).toMatchObject([
      { update: { id: "r" }, replaces: ["a", "c"], replacesForeign: ["kpatch_x"] },
    ]);
  });

  it("leaves Ksplice's patches alone", () => {
    const other: Update = { ...update("k"), engine: "ksplice" };
    expect(plan([...all, other], set("a", "k")).steps).toMatchObject([{ replaces: ["a"] }]);
  });

  it("need not bear what it takes out", () => {
    const foe = update("r", { replace: true, supersedes: ["a"], conflicts: ["a"] });
    expect(ids(plan([a, foe], set("a")).updates)).toEqual(["r"]);
  });

  it("that would take out its own dependency is left out", () => {
    const own = update("r", { replace: true, depends: ["a"] });
    expect(reasons(plan([a, own], NONE))).toEqual(["r replaces"]);
  });

  it("keeps what depends on what it supersedes", () => {
    const above = update("above", { depends: ["a"] });
    expect(ids(plan([...all, above], set("a")).updates)).toEqual(["r", "above"]);
  });
});

describe("what is asked for", () => {
  const all = [update("a"), update("b", { depends: ["a"] }), update("c"), update("d", { depends: ["b"] })];

  it("comes with what it depends on, and with nothing else", () => {
    expect(plan(all, NONE, { asked: set("b") })).toMatchObject({
      updates: [{ id: "a" }, { id: "b" }],
      leftOut: [],
    });
  });

  it("is left out for the same reasons", () => {
    expect(reasons(plan(all, NONE, { asked: set("d"), withheld: withheld("a") }))).toEqual([
      "a withheld",
      "b missing",
      "d missing",
    ]);
  });

  it("may be a suspect itself, and may not stand on one", () => {
    expect(ids(plan(all, NONE, { asked: set("c"), suspects: set("c") }).updates)).toEqual(["c"]);
    expect(reasons(plan(all, NONE, { asked: set("b"), suspects: set("a") }))).toEqual([
      "a suspect",
      "b missing",
    ]);
  });
});

describe("the order of undoing", () => {
  it("is the order of applying reversed, where nothing is left out", () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const all = graph.map((one) => ({ ...one, supersedes: [] }));
        const { updates } = plan(plan(all, NONE).updates, NONE);
        const applied = set(...ids(updates));
        expect(ids(orderUndo(updates, applied, applied))).toEqual(ids(updates).reverse());
      }),
    );
  });

  it("takes every update out before what it depends on", () => {
    fc.assert(
      fc.property(anyGraph, fc.infiniteStream(fc.boolean()), (all, coins) => {
        const applied = set(...ids(plan(all, NONE).updates));
        const wanted = set(...[...applied].filter(() => coins.next().value));
        const standing = new Set(applied);
        for (const { id } of orderUndo(all, applied, wanted)) {
          standing.delete(id);
          const left = all.filter((update) => standing.has(update.id));
          for (const { depends } of left) {
            for (const needed of depends) expect(met(needed, all, standing), needed).toBe(true);
          }
        }
        for (const id of wanted) expect(standing).not.toContain(id);
      }),
    );
  });

  it("is right where an update supersedes what it depends on through another", () => {
    const all = [
      update("c"),
      update("i", { depends: ["c"] }),
      update("j", { depends: ["i"], supersedes: ["c"] }),
    ];
    const applied = set("c", "i", "j");
    expect(ids(orderUndo(all, applied, applied))).toEqual(["j", "i", "c"]);
  });

  it("goes by the earliest of several that supersede what is not applied", () => {
    const all = [
      update("c"),
      update("late", { depends: ["i"], supersedes: ["c"] }),
      update("soon", { supersedes: ["c"], day: 1 }),
      update("i", { depends: ["c"], day: 2 }),
    ];
    const applied = set("late", "soon", "i");
    expect(ids(orderUndo(all, applied, applied))).toEqual(["late", "i", "soon"]);
  });

  it("takes out everything that is wanted and applied, with all that stands on it, and no more", () => {
    const wanting = graphAndApplied.chain(({ all, applied }) =>
      fc.record({
        all: fc.constant(all),
        applied: fc.constant(applied),
        wanted: fc.subarray([...applied]).map((some) => set(...some)),
      }),
    );
    fc.assert(
      fc.property(wanting, ({ all, applied, wanted }) => {
        const undone = set(...ids(orderUndo(all, applied, wanted)));
        for (const id of wanted) expect(undone).toContain(id);
        for (const { id, depends } of all.filter((one) => applied.has(one.id))) {
          const left = new Set([...applied].filter((one) => !undone.has(one)));
          const bare = depends.some((needed) => met(needed, all, applied) && !met(needed, all, left));
          const must = wanted.has(id) || bare;
          expect(undone.has(id), id).toBe(must);
        }
      }),
    );
  });

  it.each<[string, readonly Update[]]>([
    ["was recalled since", [update("a", { recalled: "it leaks" })]],
    ["depends since on one that is not applied", [update("a", { depends: ["b"] }), update("b")]],
    ["depends since on one that is gone", [update("a", { depends: ["z"] })]],
    ["conflicts since with another", [update("a", { conflicts: ["c"] }), update("c")]],
    ["stands since in a circle", [update("a", { depends: ["c"] }), update("c", { depends: ["a"] })]],
  ])("includes an update that %s", (_, all) => {
    expect(ids(orderUndo(all, set("a", "c"), set("a")))).toContain("a");
  });

  it("knows nothing of what is not applied", () => {
    const all = [update("a"), update("b", { depends: ["a"] })];
    expect(orderUndo(all, set("a"), set("a", "b"))).toEqual([all[0]]);
    expect(orderUndo(all, NONE, set("a"))).toEqual([]);
  });
});
