import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { program } from "../../client/program.ts";
import { RunRecord } from "../../client/run_record.ts";
import { mirrorHelp, mirrorTree } from "../../mirror/program.ts";
import { parserExitCode, runCommand } from "../../node/cli/run_command.ts";
import type { Subprogram } from "../../node/cli/subprogram.ts";
import { configFile } from "../../node/config/config.ts";
import { folderLock } from "../../node/lock.ts";
import { systemClock } from "../../shared/time.ts";
import { capture } from "../support/captured.ts";
import { FakeSystem } from "../support/fake_system.ts";
import { stopBy } from "../support/stop.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-program-"));
});
afterEach(() => rm(dir, { recursive: true }));

/** Runs the command line as main.ts does, in folders of the test's own. The mirror's program ends with 42. */
async function run(...args: readonly string[]) {
  const { self, output } = capture();
  const mirror: Subprogram = {
    run: async () => self.exitWith(42),
    help: () => mirrorHelp("1.2.3"),
    tree: () => mirrorTree("1.2.3"),
  };
  const root = program(
    "1.2.3",
    (command, globals, action) =>
      runCommand(self, command, globals, (terminal) =>
        action({
          places: globals,
          terminal,
          clock: systemClock,
          system: new FakeSystem(),
          stop: stopBy(),
          lock: folderLock(globals.stateDir),
          exitWith: self.exitWith,
          record: new RunRecord(async () => undefined),
        }),
      ),
    () => mirror,
  );
  const streams = { writeOut: self.stdout, writeErr: self.stderr };
  for (const command of [root, ...root.commands]) command.configureOutput(streams);
  const places = [
    "--config-dir",
    join(dir, "config"),
    "--state-dir",
    join(dir, "state"),
    "--run-dir",
    join(dir, "run"),
  ];
  await root.parseAsync([...places, ...args], { from: "user" }).catch((error: unknown) => {
    self.exitWith(parserExitCode(error));
  });
  return output;
}

describe("the command line of a host", () => {
  it("names its commands and every exit code in its help", async () => {
    const { stdout, stderr, code } = await run("--help");
    expect(code).toBe(0);
    expect(stderr).toBe("");
    for (const name of [
      "init",
      "check",
      "upgrade",
      "status",
      "undo",
      "config",
      "hold",
      "unhold",
      "show",
      "uname",
    ])
      expect(stdout).toContain(`  ${name}`);
    expect(stdout).toContain("4  trust failure");
    expect(stdout).toContain("/etc/rebootless");
  });

  it.each(["init", "check", "upgrade", "status", "undo", "config", "hold", "unhold", "show", "uname"])(
    "explains %s",
    async (name) => {
      const { stdout, code } = await run(name, "--help");
      expect(code).toBe(0);
      expect(stdout).toContain(`Usage: rebootless ${name}`);
    },
  );

  it.each([
    ["a command and its options", ["mirror", "sync", "--nothing", "--", "-x"]],
    ["an option of every command before it", ["--json", "mirror", "verify"]],
    ["--help", ["mirror", "--help"]],
    ["no command", ["mirror"]],
  ])("leaves `mirror` with %s to the mirror's program", async (_, args) => {
    expect(await run(...args)).toEqual({ code: 42, stdout: "", stderr: "" });
  });

  it("knows the mirror's commands for help and for shells", async () => {
    const { code, stdout } = await run("help", "mirror");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^Usage: rebootless mirror .*\n {2}sync /s)]);
    expect((await run("completion", "bash")).stdout).toContain("--renew-within");
  });

  it("tells its version", async () => {
    expect(await run("--version")).toEqual({ code: 0, stdout: "1.2.3\n", stderr: "" });
  });

  it.each([
    ["a command that does not exist", ["upgrad"]],
    ["no command", []],
    ["an option that does not exist", ["check", "--fast"]],
    ["an argument too many", ["check", "now"]],
    ["init without a feed", ["init", "--root", "root.json"]],
    ["init without a root", ["init", "--feed", "https://a.example/"]],
    ["an option without its value", ["--config-dir"]],
  ])("ends with 2 and says what to do for %s", async (_, args) => {
    const { code, stdout, stderr } = await run(...args);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/--help|Usage:/);
  });

  it("ends with 2 before it is set up, and says how to", async () => {
    const { code, stderr } = await run("status");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: no feed is set in .*rebootless\.toml\n/);
    expect(stderr).toContain("hint: Run `rebootless init");
  });

  it.each([
    ["after the command", ["status", "--json"]],
    ["before it", ["--json", "status"]],
  ])("prints one JSON object for an error, with --json %s", async (_, args) => {
    const { code, stdout } = await run(...args);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 1,
      command: "status",
      exit_code: 2,
      error: { code: "config", message: expect.stringContaining("rebootless.toml") },
    });
    expect(stdout.trimEnd()).not.toContain("\n");
  });

  it("refuses a key in the configuration that nobody knows", async () => {
    const places = { configDir: dir, stateDir: dir, runDir: dir };
    await writeFile(configFile(places), 'feed = "https://a.example/"\nfede = 1\n');
    const { code, stderr } = await run("status", "--config-dir", dir);
    expect(code).toBe(2);
    expect(stderr).toContain("unknown key fede");
  });

  it("shows what is in force and where it was said, but no password", async () => {
    await writeFile(
      join(dir, "rebootless.toml"),
      'feed = "/srv/mirror"\nhttps_proxy = "http://me:pw1@p:1"\n',
    );
    const args = ["config", "--config-dir", dir, "--set", "delay=3d"];
    const { code, stdout } = await run(...args);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^feed = "\/srv\/mirror" +# .*rebootless\.toml:1$/m);
    expect(stdout).toMatch(/^delay = "3d" +# command line$/m);
    expect(stdout).toMatch(/^mode = "automatic"$/m);
    expect(stdout).toContain("# pin is not set");
    expect(stdout).not.toContain("pw1");
    const { settings } = JSON.parse((await run(...args, "--json")).stdout);
    expect(settings).toContainEqual({
      name: "feed",
      value: "/srv/mirror",
      origin: { from: "file", path: join(dir, "rebootless.toml"), line: 1 },
      wrong: false,
      description: expect.any(String),
    });
  });

  describe("shows the configuration as far as it can be told, with", () => {
    const configured = async (text: string) => {
      await mkdir(join(dir, "conf.d"), { recursive: true });
      await writeFile(join(dir, "rebootless.toml"), text);
      await writeFile(join(dir, "conf.d/site.toml"), 'mode = "check"\n');
      return run("config", "--config-dir", dir, "--state-dir", dir);
    };
    const others = [/^mode = "check" +# .*site\.toml:1$/m, /^jitter = "15m"$/m];

    it("a value that is wrong", async () => {
      const { code, stdout, stderr } = await configured('feed = "/srv/mirror"\ndelay = 3\n');
      expect(code).toBe(2);
      for (const line of others) expect(stdout).toMatch(line);
      expect(stdout).toMatch(/^feed = "\/srv\/mirror" +# .*rebootless\.toml:1$/m);
      expect(stdout).toMatch(/^# delay is wrong +# .*rebootless\.toml:2$/m);
      expect(stdout).toMatch(/^# wrong: .*rebootless\.toml:2: delay: expected a time .*, had 3$/m);
      expect(stderr).toMatch(/^error: .*rebootless\.toml:2: delay: expected a time /);
      // Whoever only looks may look; whoever acts does not.
      expect((await run("status", "--config-dir", dir)).code).toBe(2);
    });

    it("several that are wrong, each named", async () => {
      const { code, stdout, stderr } = await configured("feed = [1]\nfede = 2\npin = true\n");
      expect(code).toBe(2);
      for (const line of others) expect(stdout).toMatch(line);
      expect(stdout.match(/^# wrong: .*$/gm)).toEqual([
        expect.stringContaining("rebootless.toml:1: feed: neither a text"),
        expect.stringContaining("rebootless.toml:2: unknown key fede"),
        expect.stringContaining("rebootless.toml:3: pin: expected a list of update ids, had true"),
      ]);
      expect(stderr).toContain("error: the configuration is wrong in 3 places");
    });

    it("a file that is no TOML, of which it shows nothing that may be secret", async () => {
      const text = 'https_proxy = "http://me:secret@p:1"\nfeed: "/srv/mirror"\n';
      const { code, stdout, stderr } = await configured(text);
      expect(code).toBe(2);
      for (const line of others) expect(stdout).toMatch(line);
      expect(stdout).toMatch(/^# wrong: .*rebootless\.toml:2 is not TOML: /m);
      expect(stdout + stderr).not.toContain("secret");
    });

    it("a setting of the command line and holds that are damaged", async () => {
      await configured('feed = "/srv/mirror"\n');
      await writeFile(join(dir, "holds.json"), "{");
      const args = ["config", "--config-dir", dir, "--state-dir", dir, "--set", "delay=soon", "--json"];
      const { code, stdout } = await run(...args);
      expect(code).toBe(2);
      expect(JSON.parse(stdout)).toMatchObject({
        exit_code: 2,
        error: { code: "config" },
        settings: expect.arrayContaining([
          expect.objectContaining({ name: "mode", value: "check", wrong: false }),
          expect.objectContaining({
            name: "delay",
            value: null,
            wrong: true,
            origin: { from: "command line" },
          }),
        ]),
        holds: [],
        faults: [
          { message: expect.stringContaining("command line: delay: expected a time") },
          { message: expect.stringContaining("holds.json is damaged"), hint: expect.any(String) },
        ],
      });
    });
  });

  it("wants to know what to undo", async () => {
    for (const args of [["undo"], ["undo", "fix-1", "--all"]]) {
      const { code, stderr } = await run(...args);
      expect([code, stderr.split("\n")[0]]).toEqual(
        process.geteuid?.() === 0
          ? [2, "error: name the updates to undo, or use --all"]
          : [7, "error: only root can undo updates"],
      );
    }
  });

  it("takes no root that does not verify", async () => {
    const file = join(dir, "root.json");
    await writeFile(file, "{}");
    const { code, stderr } = await run("init", "--feed", "https://a.example/", "--root", file);
    expect(code).toBe(process.geteuid?.() === 0 ? 4 : 7);
    expect(stderr).toContain("error: ");
  });
});
