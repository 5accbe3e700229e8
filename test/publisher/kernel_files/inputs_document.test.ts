import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { FILE_KINDS } from "../../../publisher/kernel_files/input.ts";
import { projectRoot } from "../../support/guest/machine.ts";

it("the document lists the kinds of files that are read", () => {
  const text = readFileSync(join(projectRoot, "docs/publishing.md"), "utf8");
  const table = /<!-- inputs -->\n(.*)<!-- \/inputs -->/s.exec(text)?.[1];
  const rows = FILE_KINDS.map(({ name, files }) => `| ${name} | ${files} |\n`);
  expect(table).toBe(`| what | files |\n|---|---|\n${rows.join("")}`);
});
