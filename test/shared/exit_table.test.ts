import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { EXIT } from "../../shared/exit_codes.ts";
import { EXIT_TABLE, exitCodesHelp, exits, hostExits } from "../../shared/exit_table.ts";
import { projectRoot } from "../guest/machine.ts";

describe("the table of exit codes", () => {
  it("has every code once", () => {
    expect(exits().map(({ code }) => code)).toEqual(Object.values(EXIT).sort((a, b) => a - b));
    expect(new Set(Object.values(EXIT)).size).toBe(Object.keys(EXIT_TABLE).length);
  });

  it("is what docs/exit-codes.md says, row by row", async () => {
    const document = await readFile(join(projectRoot, "docs/exit-codes.md"), "utf8");
    const rows = [...document.matchAll(/^\| (\d+) \| ([^|]+) \| ([^|]+) \|(?: ([^|]+) \|)?/gm)];
    expect(rows.map(([, code, , meaning, advice]) => [Number(code), meaning, advice ?? ""])).toEqual(
      exits().map(({ code, meaning, advice }) => [code, meaning, advice]),
    );
  });

  it("tells a host's help what a host can meet", () => {
    expect(exitCodesHelp()).toContain("\n   4  trust failure\n");
    expect(hostExits().map(({ name }) => name)).not.toContain("refused");
    expect(hostExits().length).toBe(exits().length - 4);
  });
});
