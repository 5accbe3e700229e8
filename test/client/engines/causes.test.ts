import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { abortError, progressTo } from "../../../client/engines/aborted.ts";
import { abortOf, HINTS } from "../../../client/engines/causes.ts";
import { updateId } from "../../../shared/brand.ts";
import { projectRoot } from "../../support/guest/machine.ts";

const ID = updateId("fix");
const STUCK = [
  { pid: 81, name: "java", stack: ["a+0x1/0x2", "b+0x1/0x2", "c+0x1/0x2", "d+0x1/0x2", "e+0x1/0x2"] },
  { pid: 9, name: "cat", stack: [] },
];

describe("the causes", () => {
  it("are documented with what to do", async () => {
    const document = await readFile(join(projectRoot, "docs/engines.md"), "utf8");
    const items = [...document.matchAll(/^- `(\w+)`: (.+(?:\n {2}.+)*)$/gm)];
    const documented = items.map(([, cause, hint]) => [cause, hint?.replaceAll("\n  ", " ")]);
    expect(documented).toEqual(Object.entries(HINTS));
  });

  it("are told with the tasks in the way, with what to do and with how the host is left", () => {
    const abort = abortOf("code_busy", "the transition did not end", { blockedBy: STUCK });
    expect(abortError(ID, "apply", abort)).toMatchObject({
      code: "apply",
      message: "could not apply fix: the transition did not end; held up by java[81], cat[9]",
      hint: `The host is as it was before. ${HINTS.code_busy}`,
      details: { cause: "code_busy", restored: true },
    });
    expect(abortError(ID, "undo", { ...abort, restored: false }).hint).toContain("could NOT be brought back");
  });
});

describe("progress", () => {
  it("is a line, and a line for each task in the way", () => {
    const lines: string[] = [];
    const tell = progressTo((line) => lines.push(line));
    tell({ id: ID, doing: "applying", seconds: 1, deadlineSeconds: 75, blockedBy: [] });
    tell({ id: ID, doing: "applying", seconds: 5, deadlineSeconds: 75, blockedBy: STUCK });
    expect(lines).toEqual([
      "fix: applying for 1 s",
      "fix: applying for 5 s",
      "  held up by java[81] in a+0x1/0x2 < b+0x1/0x2 < c+0x1/0x2 < d+0x1/0x2",
      "  held up by cat[9]",
      "  finish, restart or stop these tasks; without that, the change is given up after 75 s",
    ]);
  });
});
