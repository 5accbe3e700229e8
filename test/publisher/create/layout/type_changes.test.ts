import { describe, expect, it } from "vitest";
import { fieldsOf } from "../../../../publisher/create/layout/fields.ts";
import { typeChanges } from "../../../../publisher/create/layout/type_changes.ts";
import type { TypeTable } from "../../../../publisher/create/layout/type_table.ts";
import { unitTypes } from "../../../../publisher/create/layout/unit_types.ts";
import { changeWords } from "../../../../publisher/create/layout/words.ts";
import { sectionNamed } from "../../../../publisher/create/object/section_bytes.ts";
import { compiled } from "../compiled.ts";

async function typesOf(source: string): Promise<TypeTable> {
  const types = unitTypes(await compiled(source));
  if (types === undefined) throw new Error("no types");
  return types;
}

/** The changes of a unit that uses `struct t` and the given types. */
async function between(before: string, after: string): Promise<Readonly<Record<string, string>>> {
  const [old, now] = await Promise.all(
    [before, after].map((types) => typesOf(`${types}\nint f(struct t *t) { return sizeof(*t); }`)),
  );
  if (old === undefined || now === undefined) throw new Error("not compiled");
  const changes = typeChanges({ before: old, after: now });
  return Object.fromEntries(changes.map((change) => [change.name, changeWords(change)]));
}

describe("a type that differs", () => {
  it.each([
    [
      "a new member",
      "int a;",
      "int a; int b;",
      "int b (4 bytes at offset 4) is new; its size was 4 bytes and is 8",
    ],
    ["one in a hole", "char a; long b;", "char a; int n; long b;", "int n (4 bytes at offset 4) is new"],
    ["one that is gone", "int a; int b;", "int b;", "int a (4 bytes at offset 0) is gone"],
    [
      "one that moved",
      "int a; int b;",
      "int b; int a;",
      "a was 4 bytes at offset 0 and is 4 bytes at offset 4",
    ],
    [
      "a larger one",
      "int a;",
      "long a;",
      "a was int a (4 bytes at offset 0) and is long int a (8 bytes at offset 0)",
    ],
    ["a pointer for a number", "long a;", "char *a;", "is char *a (8 bytes at offset 0)"],
    ["a bool for a byte", "unsigned char a;", "_Bool a;", "is _Bool a"],
    ["a pointer to another structure", "struct x {int i;} *a;", "struct y {long i;} *a;", "is struct y *a"],
    ["a pointer to a number of another size", "int *a;", "long *a;", "is long int *a"],
    ["a callback with a new parameter", "int (*a)(int);", "int (*a)(int, int);", "is int (*a)(int, int)"],
    ["a longer array", "int a[2];", "int a[3];", "a was int a[2] (8 bytes at offset 0) and is int a[3]"],
    ["a wider bit-field", "int a:3, b:4;", "int a:4, b:4;", "a was int a:3 (3 bits at offset 0, bit 0)"],
    ["a bit-field that moved", "int a:3, b:4;", "int z:1, a:3, b:4;", "is 3 bits at offset 0, bit 1"],
    ["a bit-field for a number", "int a;", "int a:32;", "is int a:32"],
    [
      "a member of a structure without a name",
      "struct { int a; };",
      "struct { int a, b; };",
      "int b (4 bytes at",
    ],
    [
      "a member of a named member",
      "struct { int a; } s;",
      "struct { int z, a; } s;",
      "s.a was 4 bytes at offset 0",
    ],
    ["an element of an array", "struct { int a; } s[2];", "struct { long a; } s[2];", "s was "],
    [
      "a union that grows",
      "union { int a; } u;",
      "union { int a; long b; } u;",
      "long int b (8 bytes at offset 0)",
    ],
    ["another alignment", "int a;", "int a __attribute__((aligned(64)));", "its size was 4 bytes and is 64"],
  ])("is found with %s", async (_, before, after, words) => {
    const { "struct t": found } = await between(`struct t { ${before} };`, `struct t { ${after} };`);
    expect(found).toContain(words);
  });

  it("tells what is new before what only moved", async () => {
    const names = [..."abcdefgh"].map((name) => `int ${name};`).join(" ");
    const found = await between(`struct t { ${names} };`, `struct t { int z; ${names} };`);
    expect(found["struct t"]).toMatch(/^int z \(4 bytes at offset 0\) is new; .*; 4 more; its size was/);
  });

  it("is found if it is a typedef, a union or an enum", async () => {
    const types = (n: number): string => `typedef struct { int a[${n}]; } t_t; union u { char c[${n}]; };
      enum e { A, B = ${n} }; enum { FIRST = 7, SECOND = ${n} }; int use(void) { return SECOND; }
      struct t { t_t t; union u u; enum e e; };`;
    expect(await between(types(3), types(4))).toMatchObject({
      t_t: expect.stringContaining("int a[4]"),
      "union u": expect.stringContaining("its size was 3 bytes and is 4"),
      "enum e": "B was 3 and is 4",
      "enum { SECOND }": "SECOND was 3 and is 4",
    });
  });

  it("is found if the size of an enum differs", async () => {
    const types = (more: string): string => `enum e { A${more} }; struct t { enum e e; };`;
    const found = await between(types(""), types(", BIG = 0x123456789LL"));
    expect(found["enum e"]).toBe("its size was 4 bytes and is 8");
  });

  it("is found among types of one name", async () => {
    const types = (n: number): string => `struct t { int i; };
      int a(int *p) { struct own { int i; } *o = (void *)p; return o->i; }
      int b(int *p) { struct own { int i[${n}]; } *o = (void *)p; return o->i[1]; }`;
    expect(Object.keys(await between(types(2), types(3)))).toEqual(["struct own"]);
    expect(await between(types(2), types(2))).toEqual({});
  });
});

describe("no difference", () => {
  it.each([
    [
      "a new type",
      "struct t { int a; };",
      "struct n { int x; }; struct t { int a; }; int g(struct n *n) { return n->x; }",
    ],
    ["a new constant", "enum e { A }; struct t { enum e e; };", "enum e { A, B }; struct t { enum e e; };"],
    ["a typedef", "struct t { unsigned int a; };", "typedef unsigned int u32; struct t { u32 a; };"],
    ["a sign or a qualifier", "struct t { int a; };", "struct t { const unsigned a; };"],
    ["a pointer to void", "struct x; struct t { void *a; };", "struct x; struct t { struct x *a; };"],
    [
      "a type that is defined now",
      "struct x; struct t { struct x *x; };",
      "struct x {int i;}; struct t { struct x *x; };",
    ],
    [
      "a name of what is pointed to",
      "struct x {int i;}; struct t { struct x *x; };",
      "struct y {int i;}; struct t { struct y *x; };",
    ],
    [
      "the order of declarations",
      "struct a {int a;}; struct b {int b;}; struct t { struct a a; struct b b; };",
      "struct b {int b;}; struct a {int a;}; struct t { struct a a; struct b b; };",
    ],
    [
      "a list",
      "struct t { struct t *next; struct { struct t *t; } *in; };",
      "struct t { struct t *next; struct { struct t *t; } *in; };",
    ],
  ])("is seen with %s", async (_, before, after) => {
    expect(await between(before, after)).toEqual({});
  });
});

describe("members", () => {
  it("lie where the compiler says", async () => {
    const fields = ["a", "b.c", "u", "v", "w"];
    const file =
      await compiled(`struct t { char a; struct { short x; int c[3]; } b; union { long u; struct { char v, w; }; }; int z:3; };
      const unsigned long table[] = { ${fields.map((f) => `__builtin_offsetof(struct t, ${f}), sizeof(((struct t *)0)->${f})`).join()} };
      int f(struct t *t) { return t->a; }`);
    const table = sectionNamed(file, ".rodata.table");
    const types = unitTypes(file);
    const type = types?.types.find((one) => one.kind === "struct" && one.name === "t");
    if (table === undefined || types === undefined || type?.kind !== "struct")
      throw new Error("not compiled");
    const numbers = [...new BigUint64Array(table.slice().buffer)].map(Number);
    expect(numbers).toHaveLength(2 * fields.length);
    const found = new Map(fieldsOf(types, type).map(({ path, at, size }) => [path, [at / 8, size]]));
    expect(fields.flatMap((field) => found.get(field) ?? [])).toEqual(numbers);
  });
});
