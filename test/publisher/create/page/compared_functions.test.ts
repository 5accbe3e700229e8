import { describe, expect, it } from "vitest";
import {
  type ComparedFunctions,
  comparedText,
  compareFunctions,
} from "../../../../publisher/create/page/compared_functions.ts";
import { parseListing } from "../../../../publisher/create/page/objdump.ts";
import { VMLINUX } from "../../../../shared/brand.ts";
import { compiled } from "../compiled.ts";

const BEFORE = `
int first(int n) { return n ? other(n) : 3; }
int second(int n) { printk("old words"); return n * 5; }
`;
const AFTER = `
int first(int n) { return n ? other(n) : 3; }
int second(int n) { if (n > 70000) return 0x1234; printk("new words"); return n * 5; }
int third(void) { return 7; }
`;

const compareNames = async (...names: readonly string[]): Promise<ComparedFunctions> =>
  compareFunctions([
    {
      pair: {
        source: "unit.c",
        object: VMLINUX,
        before: await compiled(BEFORE),
        after: await compiled(AFTER),
        sourceBefore: BEFORE,
        sourceAfter: AFTER,
      },
      names,
    },
  ]);

describe("the functions of an update before and after", () => {
  it("are disassembled by objdump, and what is the same stands beside each other", async () => {
    const { functions, notes } = await compareNames("second");
    expect(notes).toEqual([]);
    expect(functions.map(({ name, source }) => [name, source])).toEqual([["second", "unit.c"]]);
    const rows = functions[0]?.rows ?? [];
    const isCalling = rows.find(({ now }) => now?.relocations.some((one) => one.includes("printk")));
    expect(isCalling).toMatchObject({ isSame: true, old: { text: expect.stringMatching(/^call/) } });
    const added = rows.filter(({ isSame, old }) => !isSame && old === undefined);
    expect(added.some(({ now }) => now?.text.includes("$0x1234"))).toBe(true);
  });

  it("show the strings that they use, so that a string that changed is seen", async () => {
    const { functions } = await compareNames("second");
    const texts = (functions[0]?.rows ?? []).flatMap(({ isSame, old, now }) =>
      isSame ? [] : [old, now].flatMap((line) => line?.relocations ?? []),
    );
    expect(texts.filter((text) => text.includes("words")).map((text) => text.replace(/^.* "/, '"'))).toEqual([
      '"old words"',
      '"new words"',
    ]);
  });

  it("have only a new side if they are new, and no difference if nothing changed", async () => {
    const { functions } = await compareNames("first", "third");
    const [first, third] = functions;
    expect(first?.rows.every(({ isSame }) => isSame)).toBe(true);
    expect(first?.rows.length).toBeGreaterThan(3);
    expect(third?.oldSize).toBe(0);
    expect(third?.rows.every(({ old, now }) => old === undefined && now !== undefined)).toBe(true);
  });

  it("are left out with a word where the object cannot be read", async () => {
    const object = await compiled(BEFORE);
    const pair = {
      source: "bad.c",
      object: VMLINUX,
      before: object,
      after: object.subarray(0, 100),
      sourceBefore: "",
      sourceAfter: "",
    };
    const { functions, notes } = await compareFunctions([{ pair, names: ["first"] }]);
    expect(functions).toEqual([]);
    expect(notes).toEqual([expect.stringMatching(/^The functions of bad\.c are not shown: /)]);
  });
});

describe("a listing of objdump", () => {
  it("is read with relocations on the line of their instruction, whatever the symbols are called", () => {
    const listing = parseListing(
      [
        "Disassembly of section .text.f:",
        "",
        "0000000000000000 <f>:",
        "   0:\tcall   5 <f+0x5>\t1: R_X86_64_PLT32\t__fentry__-0x4",
        "   5:\tmov    $0x0,%rdi\t8: R_X86_64_32S\t<b>x</b>",
        "   c:\tret",
      ].join("\n"),
    );
    expect(listing.get(".text.f")).toEqual([
      { at: 0, text: "call   5 <f+0x5>", relocations: [{ at: 1, text: "R_X86_64_PLT32 __fentry__-0x4" }] },
      { at: 5, text: "mov    $0x0,%rdi", relocations: [{ at: 8, text: "R_X86_64_32S <b>x</b>" }] },
      { at: 12, text: "ret", relocations: [] },
    ]);
  });

  it("is compared without what moves with the code before it", () => {
    const line = (text: string, ...relocations: string[]) => comparedText({ at: 0, text, relocations });
    expect(line("jmp    5a <f+0x5a>")).toBe(line("jmp    6b <f+0x6b>"));
    expect(line("jmp    5a <f+0x5a>")).not.toBe(line("jne    5a <f+0x5a>"));
    const load = (place: string) => line("mov $0,%rdi", `R_X86_64_32S .rodata.str1.1+${place} "text"`);
    expect(load("0x10")).toBe(load("0x20"));
    expect(line("call 5 <f+0x5>", "R_X86_64_PLT32 kfree-0x4")).not.toBe(
      line("call 5 <f+0x5>", "R_X86_64_PLT32 vfree-0x4"),
    );
  });
});
