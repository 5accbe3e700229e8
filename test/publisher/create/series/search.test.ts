import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Attempted, FixNumber } from "../../../../publisher/create/series/faults.ts";
import { largestSafeSet, type SafeSet } from "../../../../publisher/create/series/search.ts";

/** A made-up fault: it is there if the fixes of `all` are in the set and those of `none` are not. */
interface Rule {
  readonly key: string;
  readonly all: readonly FixNumber[];
  readonly none?: readonly FixNumber[];
  readonly stage?: number;
  /** The fixes that are suspected: those of `all` unless told. */
  readonly suspects?: readonly FixNumber[];
}

const LAST_STAGE = 4;

/** Tries sets by rules. The first stage that finds a fault is the last one that is looked at. */
function world(rules: readonly Rule[]) {
  const tried: (readonly FixNumber[])[] = [];
  const attempt = async (fixes: readonly FixNumber[]): Promise<Attempted<string>> => {
    tried.push(fixes);
    const has = (fix: FixNumber): boolean => fixes.includes(fix);
    const broken = rules.filter(({ all, none = [] }) => all.every(has) && !none.some(has));
    const stage = Math.min(LAST_STAGE, ...broken.map((rule) => rule.stage ?? 3));
    return {
      stage,
      faults: broken
        .filter((rule) => (rule.stage ?? 3) === stage)
        .map(({ key, all, suspects = all }) => ({
          key,
          stage,
          suspects: [suspects.filter(has)],
          reason: key,
        })),
    };
  };
  return { attempt, tried };
}

const search = (count: number, rules: readonly Rule[], limit = 500): Promise<SafeSet<string>> =>
  largestSafeSet(count, world(rules).attempt, limit);

describe("the largest safe set", () => {
  it("is everything if there is no fault, which one attempt shows", async () => {
    expect(await search(5, [])).toEqual({ kept: [0, 1, 2, 3, 4], out: new Map(), attempts: 1 });
    expect((await search(0, [])).kept).toEqual([]);
  });

  it("leaves out what is refused, with its reasons, and nothing else", async () => {
    const { kept, out } = await search(4, [
      { key: "data", all: [1] },
      { key: "layout", all: [1] },
    ]);
    expect(kept).toEqual([0, 2, 3]);
    expect(out).toEqual(new Map([[1, { kind: "refused", reasons: ["data", "layout"] }]]));
  });

  it("finds the culprit among many suspects, in few attempts", async () => {
    const { kept, out, attempts } = await search(64, [
      { key: "unit", all: [37], suspects: Array.from({ length: 64 }, (_, fix) => fix) },
    ]);
    expect([kept.length, [...out.keys()]]).toEqual([63, [37]]);
    expect(attempts).toBeLessThanOrEqual(15);
  });

  it("looks for the culprits of faults that have nothing in common at the same time", async () => {
    const rules = Array.from({ length: 10 }, (_, group) => ({
      key: `unit ${group}`,
      all: [8 * group + 5],
      suspects: Array.from({ length: 8 }, (__, fix) => 8 * group + fix),
    }));
    const { kept, out, attempts } = await search(80, rules);
    expect([kept.length, out.size]).toEqual([70, 10]);
    expect(attempts).toBeLessThanOrEqual(10);
  });

  it("takes out with a refused fix exactly those that need it, along a chain", async () => {
    const { kept, out } = await search(6, [
      { key: "data", all: [1] },
      { key: "2 does not apply", all: [2], none: [1], stage: 0 },
      { key: "4 does not compile", all: [4], none: [2], stage: 2 },
    ]);
    expect(kept).toEqual([0, 3, 5]);
    expect(out).toEqual(
      new Map([
        [1, { kind: "refused", reasons: ["data"] }],
        [2, { kind: "needs", fixes: [1], reasons: ["2 does not apply"] }],
        [4, { kind: "needs", fixes: [1, 2], reasons: ["4 does not compile"] }],
      ]),
    );
  });

  it("says which of several refused fixes another one needs", async () => {
    const refused = [0, 1, 2, 3, 4].map((fix) => ({ key: `data ${fix}`, all: [fix] }));
    const { kept, out } = await search(7, [
      ...refused,
      { key: "does not compile", all: [6], none: [3], stage: 2 },
    ]);
    expect(kept).toEqual([5]);
    expect(out.get(6)).toEqual({ kind: "needs", fixes: [3], reasons: ["does not compile"] });
  });

  it("does not take a fix for dependent whose own fault an earlier stage hid", async () => {
    const { out } = await search(3, [
      { key: "does not compile", all: [0], stage: 2 },
      { key: "data", all: [1], stage: 3 },
    ]);
    expect(out.get(1)).toEqual({ kind: "refused", reasons: ["data"] });
  });

  it("keeps the earlier of two fixes that are refused only together", async () => {
    const { kept, out } = await search(4, [{ key: "moved", all: [1, 3] }]);
    expect(kept).toEqual([0, 1, 2]);
    expect(out).toEqual(new Map([[3, { kind: "refused", reasons: ["moved"] }]]));
  });

  it("keeps fixes that need each other, beside a culprit", async () => {
    const { kept, out } = await search(4, [
      { key: "unit", all: [2], suspects: [0, 1, 2] },
      { key: "0 alone", all: [0], none: [1], suspects: [0, 1, 2] },
      { key: "1 alone", all: [1], none: [0], suspects: [0, 1, 2] },
    ]);
    expect([kept, [...out.keys()]]).toEqual([[0, 1, 3], [2]]);
  });

  it("looks further if those that were suspected are innocent", async () => {
    const { kept, out } = await search(8, [{ key: "type", all: [6], suspects: [2] }]);
    expect([kept, [...out.keys()]]).toEqual([[0, 1, 2, 3, 4, 5, 7], [6]]);
  });

  it("ends when its attempts are used up, with a set that is safe", async () => {
    const rules = Array.from({ length: 16 }, (_, fix) => ({
      key: `unit ${fix}`,
      all: [2 * fix],
      suspects: Array.from({ length: 32 }, (__, one) => one),
    }));
    const { attempt, tried } = world([...rules, { key: "late", all: [33], stage: 4 }]);
    const { kept, out } = await largestSafeSet(36, attempt, 5);
    expect(tried.length).toBeLessThanOrEqual(5 + 16);
    expect((await attempt(kept)).faults).toEqual([]);
    expect(kept).toEqual(expect.arrayContaining([32, 34, 35]));
    expect(out.get(3)?.kind).toBe("undecided");
  });

  it("is safe, and nothing can be added to it, whatever is at fault", async () => {
    const count = 7;
    const fix = fc.nat(count - 1);
    const rule = fc.record({
      all: fc.uniqueArray(fix, { minLength: 1, maxLength: 2 }),
      none: fc.uniqueArray(fix, { maxLength: 1 }),
      stage: fc.nat(LAST_STAGE - 1),
      extra: fc.uniqueArray(fix, { maxLength: 3 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(rule, { maxLength: 8 }), async (drawn) => {
        const rules = drawn
          .map(({ all, none, stage, extra }, index) => ({
            key: `rule ${index}`,
            all,
            none: none.filter((one) => !all.includes(one)),
            stage,
            suspects: [...new Set([...all, ...extra])],
          }))
          .map(({ none, ...rest }) => (none.length === 0 ? rest : { ...rest, none }));
        const { attempt } = world(rules);
        const { kept, out } = await largestSafeSet(count, attempt, 1000);
        expect((await attempt(kept)).faults).toEqual([]);
        for (const one of out.keys()) {
          const more = [...kept, one].sort((a, b) => a - b);
          expect((await attempt(more)).faults).not.toEqual([]);
        }
        expect([...kept, ...out.keys()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      }),
      { numRuns: 500 },
    );
  });
});
