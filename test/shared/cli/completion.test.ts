import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Argument, Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostTree } from "../../../packaging/man/host.ts";
import { publisherTree } from "../../../packaging/man/publisher.ts";
import { commandTree, eachCommand } from "../../../shared/cli/command_tree.ts";
import { bashCompletion } from "../../../shared/cli/completion/bash.ts";
import { fishCompletion } from "../../../shared/cli/completion/fish.ts";
import { zshCompletion } from "../../../shared/cli/completion/zsh.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-completion-"));
  await writeFile(join(dir, "rebootless"), bashCompletion(hostTree("1")));
  await writeFile(join(dir, "rebootless-publish"), bashCompletion(publisherTree("1")));
  await writeFile(join(dir, "root.json"), "");
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** What bash offers for the last of the words, with nothing loaded but our script. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const script = `
    source "./$1"
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _\${1//-/_}
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const bash = promisify(execFile)("bash", ["--norc", "-c", script, "bash", ...words], { cwd: dir });
  const { stdout, stderr } = await bash;
  expect(stderr).toBe("");
  return stdout.split("\n").filter((line) => line !== "");
}

describe("completion in bash", () => {
  it("offers commands, and those that begin so", async () => {
    expect(await offered("rebootless", "")).toEqual(hostTree("1").commands.map(({ name }) => name));
    expect(await offered("rebootless", "stat")).toEqual(["status"]);
  });

  it("offers a command's own options and those of every command", async () => {
    const options = await offered("rebootless", "upgrade", "--");
    expect(options).toEqual(expect.arrayContaining(["--dry-run", "--offline", "--json", "--state-dir"]));
    expect(options).not.toContain("--root");
    expect(options).not.toContain("--version");
  });

  it("finds the command behind options and their values", async () => {
    expect(await offered("rebootless", "--state-dir", "check", "upgrade", "--dry")).toEqual(["--dry-run"]);
    expect(await offered("rebootless", "-q", "upgrade", "--dry")).toEqual(["--dry-run"]);
  });

  it("offers the words that an argument can be", async () => {
    expect(await offered("rebootless", "completion", "")).toEqual(["bash", "fish", "zsh"]);
  });

  it("offers files where a file is wanted, and nothing where anything goes", async () => {
    expect(await offered("rebootless", "init", "--root", "root")).toEqual(["root.json"]);
    expect(await offered("rebootless", "init", "--feed", "")).toEqual([]);
    expect(await offered("rebootless", "undo", "")).toEqual([]);
  });

  it("goes down into groups", async () => {
    expect(await offered("rebootless-publish", "keys", "n")).toEqual(["new"]);
    expect(await offered("rebootless-publish", "root", "propose", "--add")).toEqual(["--add-key"]);
  });
});

describe.each([
  ["bash", bashCompletion],
  ["zsh", zshCompletion],
  ["fish", fishCompletion],
] as const)("completion for %s", (shell, completion) => {
  it.each([hostTree("1"), publisherTree("1")])("knows every command and option of $name", (tree) => {
    const script = completion(tree);
    for (const { path, command } of eachCommand(tree)) {
      if (path.length > 0)
        expect(script).toContain(shell === "zsh" ? path.join("_").replaceAll("-", "_") : path.join("/"));
      for (const flag of command.options.flatMap(({ flags }) => flags)) {
        const written = flag.startsWith("--") ? ` -l ${flag.slice(2)} ` : ` -s ${flag.slice(1)} `;
        expect(script).toContain(shell === "fish" ? written : flag);
      }
    }
  });
});

describe("texts with characters that shells take for their own", () => {
  const hostile = new Command("odd")
    .description("it's `odd` $(touch pwned)")
    .option("--value <file>", 'it\'s [a] `b`: $(touch pwned) \\ "c"')
    .addArgument(new Argument("<what>", "'quoted'").choices(["a", "b"]));
  const tree = commandTree(new Command("root").addCommand(hostile));

  it("run nothing in bash", async () => {
    await writeFile(join(dir, "root"), bashCompletion(tree));
    expect(await offered("root", "odd", "")).toEqual(["a", "b"]);
    expect(await offered("root", "odd", "--v")).toEqual(["--value"]);
  });

  it("are quoted for zsh and fish", () => {
    expect(zshCompletion(tree)).toContain(
      "'[it'\\''s \\[a\\] `b`\\: $(touch pwned) \\\\ \"c\"]:file:_files'",
    );
    expect(fishCompletion(tree)).toContain("-d 'it\\'s [a] `b`: $(touch pwned) \\\\ \"c\"'");
  });

  it("refuses flags that it does not understand", () => {
    expect(() => commandTree(new Command("x").option("--value <a b>", "a space"))).toThrow(/another form/);
  });
});
