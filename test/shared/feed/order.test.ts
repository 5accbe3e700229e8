import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { UpdateId } from "../../../shared/brand.ts";
import { orderUndo, orderUpdates } from "../../../shared/feed/order.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { type Relations, sampleUpdate as update } from "./sample.ts";

const ids = (updates: readonly Update[]) => updates.map(({ id }) => id);
const set = (...names: readonly string[]) => new Set(names) as ReadonlySet<string> as ReadonlySet<UpdateId>;
const NONE = set();

/** Up to ten updates that may depend on, and conflict with, anything, themselves and the unknown included. */
const anyGraph = fc.uniqueArray(fc.constantFrom(..."abcdefghij"), { minLength: 1 }).chain((names) => {
  const some = fc.uniqueArray(fc.constantFrom(...names, "unknown"), { maxLength: 3 });
  const relations: fc.Arbitrary<Relations> = fc.record({
    depends: some,
    conflicts: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: some }),
    recalled: fc.constantFrom(null, null, null, "it leaks"),
    day: fc.nat(3),
  });
  return fc.tuple(...names.map((name) => relations.map((made) => update(name, made))));
});
const graphAndApplied = fc
  .tuple(anyGraph, fc.infiniteStream(fc.integer({ min: 0, max: 3 })))
  .map(([all, coins]) => {
    const applied = all.filter(() => coins.next().value === 0);
    return { all, applied: set(...ids(applied)) };
  });

describe("the order of applying", () => {
  it("accounts for every update once: applied already, to be applied, or left out", () => {
    fc.assert(
      fc.property(graphAndApplied, ({ all, applied }) => {
        const { updates, leftOut } = orderUpdates(all, applied);
        const named = [...applied, ...ids(updates), ...leftOut.map(({ id }) => id)].sort();
        expect(named).toEqual(ids(all).sort());
      }),
    );
  });

  it("puts every update after what it depends on, and never two that conflict together", () => {
    fc.assert(
      fc.property(graphAndApplied, ({ all, applied }) => {
        const standing = new Set(applied);
        for (const next of orderUpdates(all, applied).updates) {
          expect(next.recalled).toBeNull();
          for (const needed of next.depends) expect(standing).toContain(needed);
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
        expect(orderUpdates(other, applied)).toEqual(orderUpdates(all, applied));
      }),
    );
  });

  it("goes by publication where nothing depends, and by id on the same day", () => {
    const all = [update("c", { day: 1 }), update("a", { day: 2 }), update("d"), update("b", { day: 1 })];
    expect(ids(orderUpdates(all, NONE).updates)).toEqual(["d", "b", "c", "a"]);
  });

  it("puts a dependency first although it was published later", () => {
    const all = [update("old", { depends: ["new"] }), update("new", { day: 9 })];
    expect(ids(orderUpdates(all, NONE).updates)).toEqual(["new", "old"]);
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
    expect(orderUpdates(all, applied)).toEqual({ updates: [], leftOut: [{ id: "a", ...why }] });
  });

  it("leaves out a circle and what stands on it, and nothing else", () => {
    const circle = [
      update("a", { depends: ["c"] }),
      update("b", { depends: ["a"] }),
      update("c", { depends: ["b"] }),
    ];
    const { updates, leftOut } = orderUpdates(
      [...circle, update("d", { depends: ["a"] }), update("e")],
      NONE,
    );
    expect(ids(updates)).toEqual(["e"]);
    expect(leftOut.map(({ id }) => id).sort()).toEqual(["a", "b", "c", "d"]);
    expect(leftOut).toContainEqual({ id: "a", reason: "cycle" });
  });

  it("takes the earlier of two that conflict", () => {
    const { updates, leftOut } = orderUpdates(
      [update("b", { conflicts: ["a"] }), update("a", { day: 1 })],
      NONE,
    );
    expect(ids(updates)).toEqual(["b"]);
    expect(leftOut).toEqual([{ id: "a", reason: "conflict", with: "b" }]);
  });

  it("follows the longest chain that a manifest can hold", () => {
    const chain = Array.from({ length: 4096 }, (_, i) =>
      update(`u-${i}`, i < 4095 ? { depends: [`u-${i + 1}`] } : {}),
    );
    expect(orderUpdates(chain, NONE).updates).toHaveLength(4096);
    expect(orderUndo(chain, set(...ids(chain)), set("u-4095"))).toHaveLength(4096);
  });
});

describe("the order of undoing", () => {
  it("is the order of applying reversed, where nothing is left out", () => {
    fc.assert(
      fc.property(anyGraph, (all) => {
        const { updates } = orderUpdates(orderUpdates(all, NONE).updates, NONE);
        const applied = set(...ids(updates));
        expect(ids(orderUndo(updates, applied, applied))).toEqual(ids(updates).reverse());
      }),
    );
  });

  it("takes every update out before what it depends on", () => {
    fc.assert(
      fc.property(anyGraph, (all) => {
        const applied = set(...ids(orderUpdates(all, NONE).updates));
        const standing = new Set(applied);
        for (const { id } of orderUndo(all, applied, applied)) {
          standing.delete(id);
          const left = all.filter((update) => standing.has(update.id));
          for (const { depends } of left) expect(depends).not.toContain(id);
        }
        expect(standing.size).toBe(0);
      }),
    );
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
          const must = wanted.has(id) || depends.some((needed) => undone.has(needed));
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
