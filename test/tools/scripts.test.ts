import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runNode } from "../support/commands.ts";
import { projectRoot } from "../support/guest/machine.ts";

const SETUP = join(projectRoot, "tools/setup.mjs");
const { scripts } = JSON.parse(await readFile(join(projectRoot, "package.json"), "utf8"));
const names = Object.entries<string>(scripts).flatMap(([name, command]) =>
  command === `node tools/setup.mjs ${name}` ? [name] : [],
);

describe("npm run", () => {
  it("leads through the table of scripts, but for what has a help of its own", () => {
    const others = Object.keys(scripts).filter((name) => !names.includes(name));
    expect(others).toEqual(["unit", "watch", "typecheck", "lint", "format"]);
  });

  it("without a name lists every script", async () => {
    const { code, stdout } = await runNode([SETUP]);
    const listed = [...stdout.matchAll(/^ {2}(\S+) +\S/gm)].map(([, name]) => name);
    expect([code, listed.sort()]).toEqual([0, [...names].sort()]);
  });

  it.each(names)("%s --help tells what it does and takes, and does nothing", async (name) => {
    for (const flag of ["--help", "-h"]) {
      const { code, stdout, stderr } = await runNode([SETUP, name, flag]);
      expect([code, stderr]).toEqual([0, ""]); // a step that was begun would be told there
      expect(stdout).toMatch(new RegExp(`^Usage: npm run ${name}(?: -- |\n)`));
      expect(stdout).toContain("\n  --help ");
    }
  });

  const judged = names.filter((name) => name !== "test" && name !== "proof:edge");
  it.each(judged)("%s refuses an option that it does not have, before it does anything", async (name) => {
    const { code, stdout, stderr } = await runNode([SETUP, name, "--no-such-option"]);
    expect([code, stdout, stderr.split("\n")]).toEqual([
      2,
      "",
      [
        "error: Unknown option '--no-such-option'",
        `hint: \`npm run ${name} -- --help\` tells what it takes.`,
        "",
      ],
    ]);
  });

  it("demo refuses what it has no use for", async () => {
    expect(await runNode([SETUP, "demo", "fast"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("error: more than it takes: fast"),
    });
  });
});
