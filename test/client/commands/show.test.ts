import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sha256Hex, updateId } from "../../../shared/brand.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { instant } from "../../../shared/time.ts";
import { sampleUpdate } from "../../shared/feed/sample.ts";
import { ID, RELEASE, SmallHost } from "./small_host.ts";

const one = { ...sampleUpdate("fix-1", { day: 1 }), effective: "6.1.0-58-test" };
const two: Update = {
  ...sampleUpdate("fix-2", { day: 2, depends: ["fix-1"], conflicts: ["fix-3"] }),
  effective: "6.1.0-59-test",
  supersedes: [updateId("fix-0")],
  rollout: { start: instant(Date.UTC(2036, 5, 2)), hours: 48 },
  tried: {
    when: instant(Date.UTC(2026, 0, 2)),
    buildId: ID,
    engine: "qemu",
    accelerator: "kvm",
    cpu: "host",
    steps: ["boot", "apply", "undo"],
    exercise: sha256Hex("e".repeat(64)),
  },
};
const applied = (update: Update) =>
  host.system.patches.set(update.module.name, {
    enabled: true,
    left: 0,
    functions: ["vmlinux/cmdline_proc_show,1"],
  });

let host: SmallHost;
beforeEach(async () => {
  host = await SmallHost.make();
  await host.configure(`rollout = "early"\nfeed = "${await host.serveFeed(await host.feedJson(one, two))}"`);
});
afterEach(() => host.remove());

describe("show", () => {
  it("sends a host that verified nothing yet to check", async () => {
    const { code, stderr } = await host.run("show");
    expect(code).toBe(3);
    expect(stderr).toContain("hint: Run `rebootless check` first.");
  });

  it("lists what there is, what is applied, and what is withheld", async () => {
    await host.run("check");
    applied(one);
    const { stdout } = await host.run("show");
    expect(stdout.split("\n")).toEqual([
      "applied    fix-1: Fixes what fix-1 names [CVE-2026-12345]",
      "available  fix-2: Fixes what fix-2 names [CVE-2026-12345], rolled out to this host 2036-06-02T00:00:00Z",
      "",
    ]);
    const ids = async (flag: string) =>
      JSON.parse((await host.run("show", flag, "--json")).stdout).updates.map((u: { id: string }) => u.id);
    expect([await ids("--applied"), await ids("--available")]).toEqual([["fix-1"], ["fix-2"]]);
    host.system.patches.clear();
    expect((await host.run("show", "--applied")).stdout).toBe("No updates.\n");
  });

  it("tells all there is to one", async () => {
    await host.run("check");
    const { stdout } = await host.run("show", "fix-2");
    expect(stdout).toBe(
      [
        "update     fix-2: Fixes what fix-2 names",
        "state      available, rolled out to this host 2036-06-02T00:00:00Z",
        "published  2026-01-03T00:00:00Z",
        "roll-out   from 2036-06-02T00:00:00Z over 48 h, here 2036-06-02T00:00:00Z",
        "fixes      CVE-2026-12345",
        "release    6.1.0-59-test",
        "needs      fix-1",
        "conflicts  fix-3",
        "supersedes fix-0",
        "tried      ok at 2026-01-02T00:00:00Z in qemu (kvm, host), with a reproducer: boot apply undo",
        "engine     livepatch",
        `module     livepatch_fix_2, 4096 bytes, sha256 ${"c".repeat(64)}`,
        "changes    vmlinux: cmdline_proc_show (64 bytes)",
        "",
      ].join("\n"),
    );
    expect(JSON.parse((await host.run("show", "fix-2", "--json")).stdout)).toMatchObject({
      schema: 1,
      command: "show",
      update: {
        id: "fix-2",
        state: "available",
        withheld: { reason: "rollout", until: "2036-06-02T00:00:00Z" },
        tried: { verdict: "ok", engine: "qemu", steps: ["boot", "apply", "undo"] },
        rollout: { hours: 48, here: "2036-06-02T00:00:00Z" },
        objects: [{ name: "vmlinux", functions: [{ name: "cmdline_proc_show", size: 64 }] }],
      },
    });
  });

  it("does not know what there is not", async () => {
    await host.run("check");
    expect(await host.run("show", "fix-9")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("error: no update is called fix-9"),
    });
  });
});

describe("check --exit-code", () => {
  it("ends with 100 while there is something to apply, and else as ever", async () => {
    await host.configure(`feed = "${await host.serveFeed(await host.feedJson(one))}"`);
    expect(await host.run("check")).toMatchObject({ code: 0 });
    expect(await host.run("check", "--exit-code")).toMatchObject({ code: 100, stderr: "" });
    expect((await host.status())["run"]).toMatchObject({ exit_code: 100, error: null });
    applied(one);
    expect(await host.run("check", "--exit-code")).toMatchObject({ code: 0 });
  });
});

describe("the effective release", () => {
  const effective = async () =>
    JSON.parse((await host.run("uname", "-r", "--json")).stdout).effective_release;

  it("is that of what is applied, for as long as it is", async () => {
    await host.run("check");
    expect(await effective()).toBe(RELEASE);
    applied(one);
    expect((await host.run("uname", "-r")).stdout).toBe("6.1.0-58-test\n");
    applied(two);
    expect(await effective()).toBe("6.1.0-59-test");
    host.system.patches.delete(one.module.name);
    expect(await effective()).toBe(RELEASE);
    expect((await host.status())["kernel"]).toMatchObject({ effective_release: RELEASE });
  });
});
