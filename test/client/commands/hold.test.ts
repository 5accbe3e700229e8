import { rm } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sampleUpdate } from "../../shared/feed/sample.ts";
import { SmallHost } from "./small_host.ts";

let host: SmallHost;
beforeEach(async () => {
  host = await SmallHost.make();
  await host.configure(`feed = "${await host.serveFeed(await host.feedJson(sampleUpdate("fix-1")))}"`);
  await host.run("check");
});
afterEach(() => host.remove());

const withheld = async () => {
  const { updates } = (await host.status()) as { updates: { id: string; withheld?: { reason: string } }[] };
  return updates.filter((update) => update.withheld?.reason === "held").map(({ id }) => id);
};

describe("holding", () => {
  it.each(["fix-1", "CVE-2026-12345"])("by %s keeps an update back until it is let go", async (name) => {
    const held = await host.run("hold", name, "--reason", "breaks the tape robot");
    expect(held).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`held       ${name}: fix-1 will not`),
    });
    expect(await withheld()).toEqual(["fix-1"]);
    expect(JSON.parse((await host.run("check", "--json")).stdout)).toMatchObject({
      available: [],
      left_out: ["fix-1"],
    });
    expect((await host.run("status")).stdout).toMatch(
      /^available {2}fix-1: .*, held .*: breaks the tape robot$/m,
    );
    expect(await host.status()).toMatchObject({
      holds: [{ what: name, reason: "breaks the tape robot", since: "2036-06-01T00:00:00Z" }],
    });
    expect((await host.run("config")).stdout).toContain(
      `# held: ${name} since 2036-06-01T00:00:00Z: breaks the tape robot\n`,
    );
    expect(await host.run("unhold", name)).toMatchObject({ code: 0, stdout: `released   ${name}\n` });
    expect(await withheld()).toEqual([]);
  });

  it("refuses what nothing here is called or fixes, and says what may have been meant", async () => {
    for (const [name, meant] of [
      ["fix-l", "fix-1"],
      ["CVE-2026-12354", "CVE-2026-12345"],
    ] as const) {
      const { code, stdout, stderr } = await host.run("hold", "fix-1", name);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(`error: no update for this kernel is called ${name} or fixes it\n`);
      expect(stderr).toContain(`hint: Did you mean ${meant}? `);
      expect((await host.status())["holds"]).toEqual([]);
    }
  });

  it("of what will come holds with --force, and then again without", async () => {
    const { code, stdout } = await host.run("hold", "fix-9", "--force");
    expect([code, stdout]).toEqual([0, expect.stringContaining("no known update has this id")]);
    expect((await host.run("hold", "fix-9", "--reason", "later")).code).toBe(0);
    expect((await host.status())["holds"]).toMatchObject([{ what: "fix-9", reason: "later", updates: [] }]);
  });

  it("before anything was verified needs --force, and says why", async () => {
    await rm(host.places.stateDir, { recursive: true });
    const { code, stderr } = await host.run("hold", "fix-1");
    expect(code).toBe(2);
    expect(stderr).toContain("error: it is not known yet whether there is anything called fix-1\n");
    expect(stderr).toContain(
      "hint: Nothing has been verified for this kernel yet. Run `rebootless check` first",
    );
    expect(await host.run("hold", "fix-1", "--force")).toMatchObject({ code: 0 });
  });

  it("shows every hold in status and in a list, with what it keeps back", async () => {
    await host.run("hold", "CVE-2026-12345", "--reason", "breaks the tape robot");
    await host.run("hold", "fix-9", "--force");
    const lines = [
      "held       CVE-2026-12345 since 2036-06-01T00:00:00Z (breaks the tape robot): keeps fix-1 back",
      "held       fix-9 since 2036-06-01T00:00:00Z: no known update has this id or fixes this CVE",
    ];
    expect(await host.run("hold")).toEqual({ code: 0, stdout: `${lines.join("\n")}\n`, stderr: "" });
    const { stdout } = await host.run("status");
    for (const line of lines) expect(stdout).toContain(`${line}\n`);
    host.system.patches.set("livepatch_fix_1", { enabled: true, left: 0, functions: host.system.functions });
    expect((await host.run("hold")).stdout).toContain("(breaks the tape robot): fix-1 is applied\n");
    expect(JSON.parse((await host.run("hold", "--json")).stdout)).toMatchObject({
      command: "hold",
      holds: [
        { what: "CVE-2026-12345", reason: "breaks the tape robot", updates: ["fix-1"] },
        { what: "fix-9", reason: null, updates: [] },
      ],
    });
  });

  it("lists nothing where nothing is held, and wants a name for a reason", async () => {
    expect(await host.run("hold")).toMatchObject({ code: 0, stdout: "Nothing is held.\n" });
    expect(await host.run("hold", "--reason", "none")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("error: no update or CVE to hold is given"),
    });
  });

  it("again replaces the reason", async () => {
    await host.run("hold", "fix-1", "--reason", "one");
    const { stdout } = await host.run("hold", "fix-1", "--reason", "two", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ command: "hold", holds: [{ what: "fix-1", reason: "two" }] });
  });

  it("lets go nothing where a name is not held, and says what may have been meant", async () => {
    await host.run("hold", "fix-1");
    const { code, stdout, stderr } = await host.run("unhold", "fix-1", "fix-l");
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("error: not held: fix-l; nothing was released\nhint: Did you mean fix-1? ");
    expect(await withheld()).toEqual(["fix-1"]);
    expect(await host.run("unhold", "fix-1", "fix-l", "--force")).toMatchObject({
      code: 0,
      stdout: "released   fix-1\nnot held   fix-l\n",
    });
    expect(await withheld()).toEqual([]);
  });

  it.each(["hold", "unhold"])("%s refuses what nothing can be called", async (command) => {
    const { code, stderr } = await host.run(command, "Fix 1");
    expect(code).toBe(2);
    expect(stderr).toContain('error: not an update\'s id or a CVE: "Fix 1"');
  });
});
