import { describe, expect, it } from "vitest";
import { isInitSection } from "../../../../publisher/create/object/section_role.ts";

describe("a section that is freed after the start", () => {
  it("is one of the kernel's own names for it", () => {
    for (const name of [".init.text", ".init.data", ".exit.text", ".initcall4.init", ".meminit.text"])
      expect(isInitSection(name), name).toBe(true);
  });

  it("is none that -fdata-sections names after a variable, and none of the first task", () => {
    const variables = [
      ".data.init",
      ".data.init_count",
      ".bss.init",
      ".rodata.init_table",
      ".text.init_pond",
    ];
    for (const name of [...variables, ".data..init_task", ".data..init_thread_info"])
      expect(isInitSection(name), name).toBe(false);
  });
});
