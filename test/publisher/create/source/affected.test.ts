import { describe, expect, it } from "vitest";
import { affectedUnits, MAX_CANDIDATES } from "../../../../publisher/create/source/affected.ts";
import { VMLINUX } from "../../../../shared/brand.ts";

/** A tree in which so many units include one header. */
function tree(count: number) {
  const sources = Array.from({ length: count }, (_, i) => `fs/unit${i}.c`);
  const includes = new Map([["wide.h", sources.map((path) => `${path}\0linux/wide.h`)]]);
  const units = new Map(sources.map((path) => [path.replace(/c$/, "o"), VMLINUX] as const));
  const change = { path: "include/linux/wide.h", before: "a\n", after: "b\n", numbered: "b\n" };
  return affectedUnits([change], units, new Map(), async () => includes);
}

describe("the units that a header reaches", () => {
  it("are compiled, however many hundreds there are", async () => {
    const { objects, refusals } = await tree(300);
    expect([objects.length, refusals]).toEqual([300, []]);
  });

  it("are refused if there are too many", async () => {
    const { objects, refusals } = await tree(MAX_CANDIDATES + 1);
    expect(objects).toEqual([]);
    expect(refusals).toMatchObject([{ code: "reach", subject: "include/linux/wide.h" }]);
    expect((await tree(MAX_CANDIDATES)).refusals).toEqual([]);
  });
});
