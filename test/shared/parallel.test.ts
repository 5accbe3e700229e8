import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { inParallel } from "../../shared/parallel.ts";

describe("work in parallel", () => {
  it("is so many at a time, with results in the order of the items", async () => {
    let now = 0;
    let most = 0;
    const work = async (item: number) => {
      most = Math.max(most, ++now);
      await sleep(item % 3);
      now--;
      return item * 2;
    };
    const items = Array.from({ length: 20 }, (_, i) => i);
    expect(await inParallel(items, 4, work)).toEqual(items.map((item) => item * 2));
    expect(most).toBe(4);
    expect(await inParallel([], 4, work)).toEqual([]);
  });

  it("throws the first error when all that was begun has ended, and begins nothing else", async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const working = inParallel([40, 5, 20, 1, 1], 3, async (milliseconds) => {
      begun.push(milliseconds);
      await sleep(milliseconds);
      ended.push(milliseconds);
      if (milliseconds < 40) throw new Error(`after ${milliseconds}`);
    });
    await expect(working).rejects.toThrow("after 5");
    expect(begun).toEqual([40, 5, 20]);
    expect(ended).toEqual([5, 20, 40]);
  });
});
