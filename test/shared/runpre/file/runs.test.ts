import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { divideIntoRuns, RUN_BYTES } from "../../../../shared/runpre/file/runs.ts";

const divide = (functions: readonly (readonly [number, number])[]): readonly number[] =>
  divideIntoRuns({
    count: functions.length,
    offsets: functions.map(([offset]) => offset),
    sizes: functions.map(([, size]) => size),
  });

describe("runs of functions", () => {
  it.each([
    ["nothing", [], [0]],
    ["one function", [[0, 16]], [0, 1]],
    [
      "functions that adjoin",
      [
        [0, 16],
        [16, 1],
        [17, 99],
      ],
      [0, 3],
    ],
    [
      "a gap of one byte",
      [
        [0, 16],
        [17, 16],
        [33, 16],
      ],
      [0, 1, 3],
    ],
    [
      "as much as fits",
      [
        [0, RUN_BYTES - 1],
        [RUN_BYTES - 1, 1],
        [RUN_BYTES, 1],
      ],
      [0, 2, 3],
    ],
    [
      "a large function among small ones",
      [
        [0, 1],
        [1, 2 * RUN_BYTES],
        [2 * RUN_BYTES + 1, 1],
      ],
      [0, 1, 2, 3],
    ],
  ] as const)("of %s", (_, functions, starts) => {
    expect(divide(functions)).toEqual(starts);
  });

  it("have every function once, adjoin within, and are short", () => {
    const distances = fc.array(
      fc.tuple(fc.constantFrom(0, 0, 0, 1, 5000), fc.integer({ min: 1, max: 20_000 })),
    );
    fc.assert(
      fc.property(distances, (all) => {
        let end = 0;
        const functions = all.map(([gap, size]) => {
          const offset = end + gap;
          end = offset + size;
          return [offset, size] as const;
        });
        const starts = divide(functions);
        expect(starts.at(-1)).toBe(functions.length);
        const runs = starts.slice(0, -1).map((start, i) => functions.slice(start, starts[i + 1]));
        expect(runs.flat()).toEqual(functions);
        for (const run of runs) {
          const bytes = run.reduce((sum, [, size]) => sum + size, 0);
          const [first = [0, 0], last = first] = [run[0], run.at(-1)];
          expect(last[0] + last[1] - first[0]).toBe(bytes);
          expect(run.length === 1 || bytes <= RUN_BYTES).toBe(true);
        }
      }),
    );
  });
});
