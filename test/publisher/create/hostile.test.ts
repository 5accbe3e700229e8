import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differentiate } from "../../../publisher/create/difference.ts";
import { objectName } from "../../../shared/brand.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { mutated, mutations, type Region } from "../../proof/fuzz/mutation.ts";
import { compiled, moduleWith } from "./compiled.ts";

const source = (n: number): string => `
static int count; static const char *const names[] = { "one", "two" };
static noinline int g(int n) { static int kept; kept += n; return printk(names[n & 1], kept); }
int f(int n) { count += ${n}; if (n == 7) asm volatile("1: ud2\\n.pushsection __bug_table,\\"aw\\"\\n.long 1b - .\\n.long %c0 - .\\n.word 1\\n.word 1\\n.popsection" :: "i"(__FILE__)); return g(n) + ${n}; }
int __init start(void) { return f(1); }
`;
const RUNS = 300;
// Of some 30 sections: where damage does most.
const SECTION_HEADERS = 2048;

const object = objectName("fixture");
const FILES = ["before", "after", "module"] as const;

describe("a damaged object", () => {
  it.each(FILES)("gives a difference or a coded error: %s", async (which) => {
    const kernel = await moduleWith(source(1), object);
    const before = await compiled(source(1));
    const after = await compiled(source(2));
    const files = { before, after, module: kernel.module(object) ?? new Uint8Array() };
    const { length } = files[which];
    const regions: readonly Region[] = [
      [0, length],
      [length >> 1, length],
      [length - SECTION_HEADERS, length],
    ];
    const outcomes = new Set<string>();
    const outcome = (changed: Uint8Array): string => {
      const { module, ...pair } = { ...files, [which]: changed };
      const texts = { sourceBefore: "", sourceAfter: "" };
      try {
        return differentiate(
          { source: "unit.c", object, ...texts, ...pair },
          { ...kernel, module: () => module },
        ).kind;
      } catch (error) {
        if (error instanceof RebootlessError) return error.code;
        throw error;
      }
    };
    fc.assert(
      fc.property(mutations, (mutation) => {
        mutated(files[which], regions, mutation, (changed) => outcomes.add(outcome(changed)));
      }),
      { numRuns: RUNS },
    );
    expect([...outcomes]).toEqual(expect.arrayContaining(["parse", "patch"]));
  });
});
