import { execFile } from "node:child_process";
import { access, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Argument, Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandTree, eachCommand } from "../../../node/cli/command_tree.ts";
import { bashCompletion } from "../../../node/cli/completion/bash.ts";
import { fishCompletion } from "../../../node/cli/completion/fish.ts";
import { zshCompletion } from "../../../node/cli/completion/zsh.ts";
import { SETTING_KEYS, settingName } from "../../../node/config/settings.ts";
import { hostTree } from "../../../packaging/man/host.ts";
import { publisherTree } from "../../../packaging/man/publisher.ts";
import { hostBundle } from "../../support/commands.ts";

/** As a run leaves it, and one thing that no shell should be given. */
const STATUS = {
  schema: 1,
  updates: [
    { id: "fix-1", state: "applied", cves: ["CVE-2026-11111"] },
    { id: "fix-2", state: "available", cves: ["CVE-2026-22222", "CVE-2026-33333"] },
    { id: "$(touch pwned)", state: "available", cves: ["`touch pwned`"] },
  ],
  holds: [{ what: "CVE-2026-44444" }],
  suspects: [{ id: "fix-3" }],
};

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-completion-"));
  await writeFile(join(dir, "rebootless"), bashCompletion(hostTree("1")));
  await writeFile(join(dir, "rebootless-publish"), bashCompletion(publisherTree("1")));
  await writeFile(join(dir, "root.json"), "");
  await mkdir(join(dir, "run"));
  await writeFile(join(dir, "run/status.json"), JSON.stringify(STATUS));
  await mkdir(join(dir, "bin"));
  const program = `#!/bin/sh\nexec '${process.execPath}' '${hostBundle}' --run-dir '${join(dir, "run")}' "$@"\n`;
  await writeFile(join(dir, "bin/rebootless"), program, { mode: 0o755 });
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** What bash offers for the last of the words, with nothing loaded but our script. */
async function offered(...words: readonly string[]): Promise<string[]> {
  const script = `
    source "./$1"
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _\${1//-/_}
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const bash = promisify(execFile)("bash", ["--norc", "-c", script, "bash", ...words], {
    cwd: dir,
    env: { ...process.env, PATH: `${join(dir, "bin")}:${process.env["PATH"]}` },
  });
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
  });

  it.each<[string, readonly string[]]>([
    ["show", ["fix-1", "fix-2"]],
    ["upgrade", ["fix-2"]],
    ["undo", ["fix-1"]],
    ["hold", ["CVE-2026-11111", "CVE-2026-22222", "CVE-2026-33333", "fix-1", "fix-2"]],
    ["unhold", ["CVE-2026-44444", "fix-3"]],
  ])("offers for %s what the last run found, and nothing that a shell would run", async (command, words) => {
    expect(await offered("rebootless", command, "")).toEqual(words);
    expect(await offered("rebootless", "-q", command, "CVE-2026-2")).toEqual(
      words.filter((word) => word.startsWith("CVE-2026-2")),
    );
    await expect(access(join(dir, "pwned"))).rejects.toThrow("ENOENT");
  });

  it("offers files and applied updates to verify", async () => {
    expect(await offered("rebootless", "verify", "")).toEqual(expect.arrayContaining(["fix-1", "root.json"]));
  });

  it("offers the settings, and finds the command behind one that is set", async () => {
    expect(await offered("rebootless", "--set", "")).toEqual(
      SETTING_KEYS.map((key) => `${settingName(key)}=`).sort(),
    );
    expect(await offered("rebootless", "--set", "rollo")).toEqual(["rollout="]);
    expect(await offered("rebootless", "--set", "mode", "=", "check", "undo", "fix")).toEqual(["fix-1"]);
    expect(await offered("rebootless", "--run-dir", "=", "check", "undo", "fix")).toEqual(["fix-1"]);
  });

  it("has no words before anything was run, and no error either", async () => {
    await rename(join(dir, "run"), join(dir, "away"));
    expect(await offered("rebootless", "undo", "")).toEqual([]);
    await rename(join(dir, "away"), join(dir, "run"));
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
