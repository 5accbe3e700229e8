import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stackUses } from "../../../../publisher/create/layout/stack_uses.ts";
import { typeChanges } from "../../../../publisher/create/layout/type_changes.ts";
import { typeTable } from "../../../../publisher/create/layout/type_table.ts";
import { TYPES_SECTION } from "../../../../publisher/create/layout/unit_types.ts";
import { changeWords } from "../../../../publisher/create/layout/words.ts";
import { sectionNamed } from "../../../../publisher/create/object/section_bytes.ts";
import { RebootlessError } from "../../../../shared/errors.ts";
import { mutated, mutations } from "../../../proof/fuzz/mutation.ts";
import { compiled } from "../compiled.ts";

const source = (n: number): string => `
enum e { A, B = ${n} }; typedef struct { int a:3, b:4; enum e e[${n}]; } t_t;
struct foo { struct foo *next; union { long u; struct { t_t t; } s[${n}]; }; int (*call)(struct foo *, t_t); };
int f(struct foo *foo) { return foo->call(foo, foo->s[1].t); }`;

describe("damaged type information", () => {
  it("gives changes or a coded error, in time", async () => {
    const before = sectionNamed(await compiled(source(2)), TYPES_SECTION);
    const after = sectionNamed(await compiled(source(3)), TYPES_SECTION);
    if (before === undefined || after === undefined) throw new Error("no types");
    const outcome = (btf: Uint8Array): string => {
      try {
        const changes = typeChanges({ before: typeTable(before), after: typeTable(btf) });
        for (const change of changes) changeWords(change);
        return changes.length > 0 ? "changes" : "none";
      } catch (error) {
        if (error instanceof RebootlessError) return error.code;
        throw error;
      }
    };
    expect(outcome(after)).toBe("changes");
    const outcomes = new Set<string>();
    fc.assert(
      fc.property(mutations, (mutation) => {
        mutated(after, [[0, after.length]], mutation, (changed) => outcomes.add(outcome(changed)));
      }),
      { numRuns: 2000 },
    );
    expect([...outcomes]).toEqual(expect.arrayContaining(["parse", "changes"]));
  });

  /** Type information of types whose words are given. */
  const btfOf = (types: readonly (readonly number[])[]): Uint8Array => {
    const words = types.flat();
    const strings = "\0t\0";
    const header = [0x1eb9f, 24, 0, 4 * words.length, 4 * words.length, strings.length];
    const bytes = new Uint8Array(new Uint32Array([...header, ...words]).buffer);
    return new Uint8Array([...bytes, ...Buffer.from(strings)]);
  };
  const STRUCT = 4 << 24;
  const POINTER = 2 << 24;
  const TYPEDEF = 8 << 24;
  const ARRAY = 3 << 24;

  it.each([
    [
      "a structure in itself",
      [
        [1, STRUCT + 1, 4, 1, 2, 0],
        [0, STRUCT + 1, 4, 1, 2, 0],
      ],
      "parse",
    ],
    ["a typedef of itself", [[1, TYPEDEF, 1]], "parse"],
    [
      "an array of itself",
      [
        [1, STRUCT + 1, 4, 1, 2, 0],
        [0, ARRAY, 0, 2, 2, 1],
      ],
      "parse",
    ],
    ["a type that does not exist", [[1, STRUCT + 1, 4, 1, 9, 0]], "parse"],
    [
      "structures without a name that double at each level",
      [
        ...Array.from({ length: 40 }, (_, i) => [i === 0 ? 1 : 0, STRUCT + 2, 4, 0, i + 2, 0, 0, i + 2, 0]),
        [0, STRUCT, 4],
      ],
      "limit",
    ],
  ])("is refused: %s", (_, types, code) => {
    const table = typeTable(btfOf(types));
    expect(() => typeChanges({ before: table, after: table })).toThrow(expect.objectContaining({ code }));
  });

  it("may be of pointers that lead to each other", () => {
    const table = typeTable(
      btfOf([
        [1, STRUCT + 1, 8, 1, 2, 0],
        [0, POINTER, 2],
      ]),
    );
    expect(typeChanges({ before: table, after: table })).toEqual([]);
  });
});

describe("whatever text", () => {
  it("is read to its end", () => {
    const word = fc.constantFrom(
      ..."struct foo { } ( ) [ ] ; , * & -> . = # \n define static x f \" ' /* */ // \\ sizeof if".split(" "),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => {
        const uses = stackUses(words.join(" "), "struct", "foo");
        expect(uses === undefined || uses.holders instanceof Set).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it("takes time in proportion to its length", () => {
    const began = performance.now();
    for (const text of ["/*", "(", "struct foo x;", "'", "f(", "#define x\n"])
      stackUses(text.repeat(20_000), "struct", "foo");
    expect(performance.now() - began).toBeLessThan(20_000);
  });
});
