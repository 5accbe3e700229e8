import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CREATOR, MODULE_TOOLS, madeBy } from "../../../publisher/module/made_by.ts";
import { openModule } from "../../../publisher/module/module_file.ts";
import { utf8 } from "../../../shared/bytes.ts";
import type { SectionSpec } from "../../support/elf_builder.ts";
import { projectRoot } from "../../support/guest/machine.ts";
import { smallModule, TABLES, toolModule } from "./small_modules.ts";

const compiler: SectionSpec = { name: ".comment", data: utf8("GCC: (Debian 14.2.0-19) 14.2.0\0") };
const livepatchRelocations: SectionSpec = {
  name: ".klp.rela.vmlinux..text",
  type: 4,
  entrySize: 24,
  data: new Uint8Array(24),
};
const OF_CREATE = `livepatch=Y\0name=lp_sample\0creator=${CREATOR}\0vermagic=6.1.0-test SMP \0`;

/** A module of each tool. */
const MADE: ReadonlyMap<string, Uint8Array> = new Map([
  [CREATOR, smallModule({ modinfo: OF_CREATE, moreSections: [livepatchRelocations] })],
  ...Object.keys(TABLES).map((tool) => [tool, toolModule(tool as keyof typeof TABLES)] as const),
  ["klp-convert", smallModule({ moreSections: [compiler, livepatchRelocations] })],
  ["kbuild", smallModule({ moreSections: [compiler] })],
  ["not known", smallModule()],
]);

describe("the maker of a livepatch module", () => {
  it("has a module here, whoever it is", () => {
    expect([...MADE.keys()]).toEqual([...MODULE_TOOLS.map(({ name }) => name), "not known"]);
  });

  it.each([...MADE])("is told by what is in the file: %s", (tool, bytes) => {
    expect(madeBy(openModule(bytes))).toBe(tool);
  });

  it("is not create because another creator is named", () => {
    const modinfo = OF_CREATE.replace(CREATOR, `not ${CREATOR}`);
    expect(madeBy(openModule(smallModule({ modinfo })))).toBe("not known");
  });

  it("is one of those that the document lists", () => {
    const text = readFileSync(join(projectRoot, "docs/publishing.md"), "utf8");
    const table = /<!-- tools -->\n(.*)<!-- \/tools -->/s.exec(text)?.[1];
    const rows = MODULE_TOOLS.map(({ name, sign }) => `| ${name} | ${sign} |\n`);
    expect(table).toBe(`| made by | a module of it has |\n|---|---|\n${rows.join("")}`);
  });
});
