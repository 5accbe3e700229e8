import { describe, expect, it } from "vitest";
import { program as hostProgram } from "../../../client/program.ts";
import { program as mirrorProgram } from "../../../mirror/program.ts";
import { commandTree } from "../../../node/cli/command_tree.ts";
import { program as publisherProgram } from "../../../publisher/program.ts";
import { noMirror } from "../../support/no_mirror.ts";

describe.each([
  ["rebootless", hostProgram("1", async () => undefined, noMirror), "check"],
  ["rebootless-publish", publisherProgram("1", async () => undefined), "create"],
])("the help of %s", (_, program, first) => {
  const help = program.helpInformation();
  const sections = new Map(
    help.split("\n\n").flatMap((part) => {
      const [heading = "", ...lines] = part.split("\n");
      return heading.endsWith(":")
        ? [[heading, lines.flatMap((line) => /^ {2}(\S+)/.exec(line)?.[1] ?? [])]]
        : [];
    }),
  );

  it("lists every command in one of a few groups, what is done most first", () => {
    const groups = [...sections].filter(([heading]) => !/^(?:Usage|Options|Exit codes)/.test(heading));
    expect(groups.length).toBeGreaterThan(2);
    expect(groups[0]?.[1][0]).toBe(first);
    const listed = groups.flatMap(([, names]) => names);
    const all = commandTree(program).commands.map(({ name }) => name);
    expect(listed.sort()).toEqual([...all, "help"].sort());
  });

  it("has what every command takes in a group of its own", () => {
    expect(sections.get("Options of every command:")).toEqual(expect.arrayContaining(["--json", "-q,"]));
    expect(sections.has("Commands:")).toBe(false);
  });
});

describe("the help of commands with many options", () => {
  const sub = (program: typeof mirrorProgram | typeof publisherProgram, ...path: string[]) =>
    path
      .reduce(
        (command, name) => command.commands.find((one) => one.name() === name) ?? command,
        program("1", async () => undefined),
      )
      .helpInformation();

  it("has them in groups", () => {
    expect(sub(mirrorProgram, "mirror", "sync")).toMatch(/Which kernels.*:\n {2}--all /);
    const create = sub(publisherProgram, "create");
    for (const heading of ["Input:", "Output:", "Description of the update:"])
      expect(create).toContain(`\n${heading}\n`);
  });
});
