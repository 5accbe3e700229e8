import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it } from "vitest";

const ROOMS = ["client", "edge", "mirror", "node", "packaging", "publisher", "shared", "tools"];
const EXPORTED =
  /^export (?:declare )?(?:async )?(?:abstract )?(?:function\*?|const|let|class|interface|type|enum) (\w+)/gm;

/** What each program has of its own under the same name: its commands, its command line and its context. */
const isOfOneProgram = (path: string): boolean =>
  path.includes("/commands/") || ["program.ts", "context.ts"].includes(basename(path));

/** Each exported name, with the files that export it. */
function exportedNames(): ReadonlyMap<string, readonly string[]> {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", ...ROOMS], {
    encoding: "utf8",
  });
  const names = new Map<string, string[]>();
  for (const path of listed.split("\n").filter((name) => /\.tsx?$/.test(name) && existsSync(name))) {
    for (const [, name = ""] of readFileSync(path, "utf8").matchAll(EXPORTED))
      names.set(name, [...(names.get(name) ?? []), path]);
  }
  return names;
}

describe("an exported name", () => {
  it("stands for one thing in the whole repository", () => {
    const names = exportedNames();
    expect(names.size).toBeGreaterThan(1500);
    const shared = [...names].filter(
      ([, paths]) => new Set(paths).size > 1 && !paths.every((path) => isOfOneProgram(path)),
    );
    expect(shared).toEqual([]);
  });
});
