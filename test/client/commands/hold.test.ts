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
    expect(await host.run("unhold", name)).toMatchObject({ code: 0, stdout: `let go     ${name}\n` });
    expect(await withheld()).toEqual([]);
  });

  it("says when nothing is called that, and holds it all the same", async () => {
    const { stdout } = await host.run("hold", "fix-9");
    expect(stdout).toContain("nothing that was verified here is called that");
    expect((await host.status())["holds"]).toHaveLength(1);
  });

  it("again replaces the reason", async () => {
    await host.run("hold", "fix-1", "--reason", "one");
    const { stdout } = await host.run("hold", "fix-1", "--reason", "two", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ command: "hold", holds: [{ what: "fix-1", reason: "two" }] });
  });

  it("of what is not held ends well, and says so", async () => {
    expect(await host.run("unhold", "fix-1")).toMatchObject({ code: 0, stdout: "not held   fix-1\n" });
  });

  it.each(["hold", "unhold"])("%s refuses what nothing can be called", async (command) => {
    const { code, stderr } = await host.run(command, "Fix 1");
    expect(code).toBe(2);
    expect(stderr).toContain('error: nothing can be called "Fix 1"');
  });
});
