import { expect, it } from "vitest";
import { sameBut, sectionNamed } from "../../../../publisher/create/object/section_bytes.ts";
import { compiled } from "../compiled.ts";

const source = (type: string, n = 1): string =>
  `struct foo { ${type} }; int f(struct foo *foo) { return foo->a + ${n}; }`;

it("tells apart what differs in one section and what differs elsewhere", async () => {
  const [plain, retyped, changed] = await Promise.all([
    compiled(source("int a;")),
    compiled(source("int a; int second;")),
    compiled(source("int a;", 2)),
  ]);
  expect(sectionNamed(plain, ".BTF")).not.toEqual(sectionNamed(retyped, ".BTF"));
  expect(sameBut(plain, retyped, ".BTF")).toBe(true);
  expect(sameBut(plain, retyped, ".text.f")).toBe(false);
  expect(sameBut(plain, changed, ".BTF")).toBe(false);
  expect(sectionNamed(plain, ".none")).toBeUndefined();
});
