import { describe, expect, it } from "vitest";
import { compileCount } from "../../../../publisher/create/source/compile_count.ts";

describe("the count of compilations", () => {
  it("tells what is under way, how many are done, and on a long run what is left", () => {
    const lines: string[] = [];
    let time = 0;
    const count = compileCount(
      5,
      (line) => lines.push(line),
      () => time,
    );
    count.begin("as they are", ["a.o", "b.o", "c.o"], 2);
    time = 10_000;
    count.done("b.o");
    time = 30_000;
    count.done("a.o");
    count.done("c.o");
    count.begin("with the patch", ["a.o"], 2);
    count.done("a.o");
    count.begin("with the patch", [], 2);
    time = 500_000;
    count.done("d.o");
    expect(lines).toEqual([
      "compiling 3 files as they are: a.o, b.o and 1 more",
      "compiled b.o, 1 of 5",
      "compiled a.o, 2 of 5, about 45 seconds left; under way: c.o",
      "compiled c.o, 3 of 5, about 20 seconds left",
      "compiling 1 file with the patch: a.o",
      "compiled a.o, 4 of 5, about 8 seconds left",
      "compiled d.o, 5 of 5",
    ]);
  });

  it("gives long times in minutes", () => {
    const lines: string[] = [];
    let time = 0;
    const count = compileCount(
      11,
      (line) => lines.push(line),
      () => time,
    );
    time = 60_000;
    count.done("a.o");
    expect(lines).toEqual(["compiled a.o, 1 of 11, about 10 minutes left"]);
  });
});
