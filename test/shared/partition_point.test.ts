import { describe, expect, it } from "vitest";
import { partitionPoint } from "../../shared/partition_point.ts";

describe("the partition point", () => {
  it.each([0, 1, 2, 3, 7, 8, 1000])("of %i numbers is where the test stops passing", (count) => {
    for (let point = 0; point <= count; point += Math.max(1, count >> 4)) {
      const asked: number[] = [];
      const found = partitionPoint(count, (index) => {
        asked.push(index);
        return index < point;
      });
      expect(found).toBe(point);
      expect(asked.every((index) => index >= 0 && index < count)).toBe(true);
      expect(asked.length).toBeLessThanOrEqual(Math.ceil(Math.log2(count + 1)));
    }
  });
});
