import { chown, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Check, fail, ok, runChecks } from "../../../client/doctor/check.ts";
import { kernelChecks } from "../../../client/doctor/kernel.ts";
import { processChecks } from "../../../client/doctor/process.ts";
import { proxyCheck } from "../../../client/doctor/proxies.ts";
import { storageChecks, volumeOf } from "../../../client/doctor/storage.ts";
import { setupChecks } from "../../../client/doctor/trust.ts";
import { type KernelCore, openKernelCore } from "../../../client/host/kcore.ts";
import { hostTrust } from "../../../client/trust/host_trust.ts";
import { chooseVerifiers } from "../../../node/verifier.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { DAY, instant } from "../../../shared/time.ts";
import { ceremony } from "../../support/edge/repository.ts";
import { FakeSystem } from "../../support/fake_system.ts";

const MIB = 1024 * 1024;

/** A stock kernel, and what a test changes of it. */
function kernel(
  changes: Readonly<Record<string, string | undefined>> = {},
  names = ["livepatch", "security"],
) {
  const files: Readonly<Record<string, string | undefined>> = {
    "/proc/sys/kernel/ftrace_enabled": "1",
    "/proc/sys/kernel/modules_disabled": "0",
    "/sys/module/module/parameters/sig_enforce": "N",
    "/sys/kernel/security/lockdown": "[none] integrity confidentiality",
    ...changes,
  };
  return { read: async (path: string) => files[path], list: async () => names };
}

/** Verdicts by check. */
async function verdicts(checks: readonly Check[]) {
  return Object.fromEntries((await runChecks(checks)).map(({ check, verdict }) => [check, verdict]));
}
async function finding(checks: readonly Check[], name: string) {
  return (await runChecks(checks)).find(({ check }) => check === name);
}

describe("the kernel", () => {
  it("is fine as distributions build it", async () => {
    expect(await verdicts(kernelChecks(kernel()))).toEqual({
      livepatch: "ok",
      ftrace: "ok",
      modules: "ok",
      signatures: "ok",
      lockdown: "ok",
    });
  });

  it.each([
    ["livepatch", kernel({}, ["security"]), "fail", "CONFIG_LIVEPATCH"],
    ["livepatch", kernel({}, []), "fail", "/sys is not mounted"],
    ["ftrace", kernel({ "/proc/sys/kernel/ftrace_enabled": "0" }), "fail", "switched off"],
    ["ftrace", kernel({ "/proc/sys/kernel/ftrace_enabled": undefined }), "fail", "without ftrace"],
    ["modules", kernel({ "/proc/sys/kernel/modules_disabled": "1" }), "fail", "until the next boot"],
    ["modules", kernel({ "/proc/sys/kernel/modules_disabled": undefined }), "fail", "without loadable"],
    ["signatures", kernel({ "/sys/module/module/parameters/sig_enforce": "Y" }), "warn", "signed"],
    ["signatures", kernel({ "/sys/module/module/parameters/sig_enforce": undefined }), "ok", "no signature"],
    [
      "lockdown",
      kernel({ "/sys/kernel/security/lockdown": "none [integrity] confidentiality" }),
      "warn",
      "integrity",
    ],
    [
      "lockdown",
      kernel({ "/sys/kernel/security/lockdown": "none integrity [confidentiality]" }),
      "fail",
      "memory",
    ],
    ["lockdown", kernel({ "/sys/kernel/security/lockdown": undefined }), "ok", "does not report"],
  ] as const)("%s: case %#", async (name, system, verdict, says) => {
    const found = await finding(kernelChecks(system), name);
    expect(found).toMatchObject({ verdict, says: expect.stringContaining(says) });
    if (verdict !== "ok" && !says.startsWith("without")) expect(found?.hint).toMatch(/\.$/);
  });
});

describe("the process", () => {
  const core = () => ({ close: () => undefined }) as KernelCore;
  const status = (capabilities: string) => ({
    read: async (path: string) =>
      path === "/proc/self/status" ? `Name:\tnode\nCapEff:\t${capabilities}\n` : undefined,
  });
  const all = () => true;
  const host = (path: string) => path.startsWith("/usr/");

  it("may do everything as root of a host", async () => {
    const checks = processChecks(status("000001ffffffffff"), core, "20.11.0", host);
    expect(await verdicts(checks)).toEqual({ rights: "ok", memory: "ok", tools: "ok", node: "ok" });
  });

  it("lacks rights as a user, and in a container is told where to go", async () => {
    const user = await finding(processChecks(status("0000000000000000"), core, "20.11.0", host), "rights");
    expect(user).toMatchObject({
      verdict: "fail",
      says: "this process lacks CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_ADMIN",
      hint: "Run as root.",
    });
    // What a container manager leaves by default.
    const contained = await finding(
      processChecks(status("00000000a80425fb"), core, "20.11.0", all),
      "rights",
    );
    expect(contained).toMatchObject({ verdict: "fail", says: expect.stringContaining("in a container") });
    expect(contained?.hint).toContain("its host's");
  });

  it("cannot read memory where the kernel does not let it", async () => {
    const checks = processChecks(
      status("1ffffffffff"),
      () => openKernelCore("/nowhere/kcore"),
      "20.11.0",
      host,
    );
    expect(await finding(checks, "memory")).toMatchObject({
      verdict: "fail",
      says: "cannot read /nowhere/kcore",
    });
  });

  it.each([
    [["/sbin/insmod", "/usr/bin/rmmod"], "not found: flock", "Install util-linux or busybox."],
    [["/bin/flock"], "not found: insmod, rmmod", "Install kmod or busybox."],
  ])("misses tools: case %#", async (there, says, hint) => {
    const checks = processChecks(status("0"), core, "20.11.0", (path) => there.includes(path));
    expect(await finding(checks, "tools")).toMatchObject({ verdict: "fail", says, hint });
  });

  it.each([
    ["18.19.0", "fail"],
    ["20.10.9", "fail"],
    ["20.11.0", "ok"],
    ["22.1.0", "ok"],
  ])("with Node %s: %s", async (version, verdict) => {
    expect(await finding(processChecks(status("0"), core, version, all), "node")).toMatchObject({ verdict });
  });
});

describe("the disk", () => {
  const places = { configDir: "/x", stateDir: "/var/lib/rebootless", runDir: "/x" };
  const look = async (volume: Parameters<typeof storageChecks>[1]) =>
    (await runChecks(storageChecks(places, volume)))[0];

  it.each([
    [1024 * MIB, true, "ok"],
    [300 * MIB, true, "warn"],
    [100 * MIB, true, "fail"],
    [1024 * MIB, false, "fail"],
  ])("with %d bytes free, writable %s: %s", async (freeBytes, writable, verdict) => {
    expect(await look(async () => ({ freeBytes, writable }))).toMatchObject({ verdict });
  });

  it("is that of the nearest folder that is there", async () => {
    const found = await look(async (path) =>
      path === "/var/lib" ? { freeBytes: 1024 * MIB, writable: true } : undefined,
    );
    expect(found).toMatchObject({ verdict: "ok", says: "1024 MiB free in /var/lib" });
    expect(await look(async () => undefined)).toMatchObject({ verdict: "fail" });
  });

  it("is asked of the file system", async () => {
    expect(await volumeOf(tmpdir())).toMatchObject({ freeBytes: expect.any(Number) });
    expect(await volumeOf(join(tmpdir(), "rebootless-not-there"))).toBeUndefined();
  });
});

describe("the set-up", () => {
  const NOW = instant(Date.UTC(2036, 0, 1));
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "rebootless-doctor-"));
  });
  afterEach(() => rm(dir, { recursive: true }));
  const checks = (now = NOW) =>
    setupChecks({ configDir: dir, stateDir: dir, runDir: dir }, () => now, new FakeSystem());

  it("is missing before init, and says what to do", async () => {
    expect(await verdicts(checks())).toMatchObject({ clock: "ok", configuration: "fail", root: "fail" });
    for (const name of ["configuration", "root"])
      expect((await finding(checks(), name))?.hint).toContain("rebootless init");
  });

  it("is fine after it, and the root's end is announced", async () => {
    const made = await ceremony(NOW);
    await writeFile(join(dir, "root.json"), made.root);
    await writeFile(join(dir, "rebootless.toml"), 'feed = "https://a.example/"\n');
    expect(await verdicts(checks())).toMatchObject({ configuration: "ok", root: "ok" });
    expect(await verdicts(checks(instant(NOW + 20 * 365 * DAY)))).toMatchObject({ root: "warn" });
  });

  it("says which implementation verifies signatures", async () => {
    expect(await finding(checks(), "cryptography")).toMatchObject({
      verdict: "ok",
      says: expect.stringMatching(/^OpenSSL verifies .* tweetnacl must agree$/),
    });
    const without = () =>
      chooseVerifiers(() => {
        throw new Error("unsupported");
      });
    const places = { configDir: dir, stateDir: dir, runDir: dir };
    const setUp = setupChecks(places, () => NOW, new FakeSystem(), without);
    expect(await finding(setUp, "cryptography")).toMatchObject({
      verdict: "warn",
      says: expect.stringContaining("tweetnacl alone"),
      hint: expect.stringContaining("FIPS"),
    });
  });

  it("fails with a root that does not verify and a clock that cannot be", async () => {
    await writeFile(join(dir, "root.json"), "{}");
    expect(await verdicts(checks(instant(0)))).toMatchObject({ root: "fail", clock: "fail" });
  });

  it("says by which proxies feeds are reached, and where they were set", async () => {
    const places = { configDir: dir, stateDir: dir, runDir: dir };
    const proxy = async (feeds: string, environment: Readonly<Record<string, string>>) => {
      await writeFile(join(dir, "rebootless.toml"), `feed = [${feeds}]\n`);
      return finding([proxyCheck(places, environment)], "proxy");
    };
    const both = '"/srv/feed", "https://a.example/", "http://b.example/"';
    expect(await proxy(both, {})).toMatchObject({
      verdict: "ok",
      says: "the feeds are reached without a proxy",
    });
    expect(await proxy(both, { HTTPS_PROXY: "http://me:pw@p:1", no_proxy: "b.example" })).toMatchObject({
      verdict: "ok",
      says: "https://a.example/ through the proxy http://me:***@p:1/ (HTTPS_PROXY in the environment)",
    });
  });

  it("warns that HTTP_PROXY is ignored, where a feed would need it", async () => {
    const places = { configDir: dir, stateDir: dir, runDir: dir };
    const verdict = async (feed: string, environment: Readonly<Record<string, string>>) => {
      await writeFile(join(dir, "rebootless.toml"), `feed = "${feed}"\n`);
      return (await finding([proxyCheck(places, environment)], "proxy"))?.verdict;
    };
    const upper = { HTTP_PROXY: "http://p:1" };
    expect(await verdict("http://a.example/", upper)).toBe("warn");
    expect(await verdict("http://a.example/", { ...upper, http_proxy: "http://q:1" })).toBe("ok");
    expect(await verdict("https://a.example/", upper)).toBe("ok");
    expect(await verdict("/srv/feed", upper)).toBe("ok");
  });

  it("fails with a clock behind what was verified, and says how to get out", async () => {
    const made = await ceremony(NOW);
    await writeFile(join(dir, "root.json"), made.root);
    const kept = hostTrust(dir, made.root);
    await kept.settle();
    await kept.noteTime(instant(NOW + 25 * DAY));
    expect((await finding(checks(), "clock"))?.verdict).toBe("fail");
    expect((await finding(checks(), "clock"))?.hint).toContain(`rm ${join(dir, "trust/latest_time")}`);
  });

  it("fails with a folder that somebody else controls", async () => {
    const places = { configDir: dir, stateDir: join(dir, "state"), runDir: dir };
    await mkdir(places.stateDir);
    await chown(places.stateDir, 1000, 1000);
    const found = await finding(storageChecks(places), "folders");
    expect(found).toMatchObject({
      verdict: "fail",
      hint: expect.stringContaining(`chown root:root ${places.stateDir}`),
    });
  });

  it("warns of what switches rebootless off", async () => {
    await writeFile(join(dir, "disabled"), "");
    expect(await verdicts(checks())).toMatchObject({ switch: "warn" });
  });
});

describe("a check that throws", () => {
  it("is a finding when the error is one of the machine's, and none when it is ours", async () => {
    const thrown = (error: unknown): Check => ({ name: "x", look: () => Promise.reject(error) });
    expect(await runChecks([thrown(new RebootlessError("io", "no", { hint: "do" }))])).toEqual([
      { check: "x", ...fail("no", "do") },
    ]);
    const denied = Object.assign(new Error("EACCES: denied"), { code: "EACCES" });
    expect(
      (await runChecks([thrown(denied), { name: "y", look: async () => ok("z") }])).map(
        ({ verdict }) => verdict,
      ),
    ).toEqual(["fail", "ok"]);
    await expect(runChecks([thrown(new TypeError("a fault"))])).rejects.toThrow("a fault");
  });
});
