import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exitCodesHelp } from "../../../node/cli/exit_help.ts";
import { EXIT_TABLE, exits, exitsOf } from "../../../node/cli/exit_table.ts";
import { EXIT } from "../../../shared/exit_codes.ts";
import { projectRoot } from "../../support/guest/machine.ts";

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

  it("tells each program's help what that program can meet", () => {
    expect(exitCodesHelp("host")).toContain("\n   4  trust failure\n");
    expect(exitCodesHelp("host")).toContain("\n 100  there is something to apply");
    expect(exitCodesHelp("publisher")).toContain("\n  13  the edge refused what was sent\n");
    const names = (program: "host" | "publisher") => exitsOf(program).map(({ name }) => name);
    expect(names("host")).not.toContain("refused");
    expect(names("publisher")).not.toContain("noMatch");
    expect(new Set([...names("host"), ...names("publisher")]).size).toBe(exits().length);
  });
});
