import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { GuestFile } from "../../../publisher/try/guest/initramfs.ts";
import { sharedLibraries } from "../../../publisher/try/guest/shared_libraries.ts";
import { parseExposition } from "../../client/report/exposition_parser.ts";
import { makePackage } from "../../packaging/support.ts";
import type { ExecResult, Guest } from "../../support/guest/guest.ts";
import { bootGuest } from "../../support/guest/guest.ts";
import { findKernel, projectRoot } from "../../support/guest/machine.ts";
import { ROOT_IN_GUEST } from "../../support/host.ts";
import { type Publication, startPublication } from "./publication.ts";

/*
 * The tarball on a booted stock kernel whose every other program is busybox: installed, asked whether this host can be
 * patched, used with no more rights than its unit has, asked for what monitors and scanners want, and removed. One
 * story told in order.
 */

vi.setConfig({ testTimeout: 120_000 });

const UPDATE = "demo-cmdline-1";
const CVE = "CVE-2026-12345";
const SETPRIV = "/usr/bin/setpriv";
const kernel = findKernel("primary");
let feed: Publication;
let guest: Guest;

async function tarball(): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), "rebootless-tarball-"));
  try {
    return await readFile(await makePackage(folder, "tarball"));
  } finally {
    await rm(folder, { recursive: true });
  }
}

beforeAll(async () => {
  feed = await startPublication();
  await feed.publish(kernel, "rebootless_demo_cmdline", UPDATE, "--cve", CVE);
  const from = (path: string): GuestFile => ({ path, content: { from: path }, mode: 0o755 });
  guest = await bootGuest({
    kernel,
    files: [
      { path: ROOT_IN_GUEST, content: await readFile(feed.rootFile) },
      { path: "/root/rebootless.tar.gz", content: await tarball() },
      ...[SETPRIV, ...(await sharedLibraries(SETPRIV))].map(from),
    ],
  });
  // Hosts have it there; the guest's programs are all in /bin.
  await guest.mustExec("ln -s /bin/busybox /usr/bin/env");
}, 240_000);

afterAll(async () => {
  await guest?.close();
  await feed?.close();
}, 60_000);

const rebootless = (...args: readonly string[]): Promise<ExecResult> =>
  guest.exec(["rebootless", ...args], { timeoutMs: 120_000 });

/** With the rights that the unit leaves, and nothing that could give more; `without` takes one more away. */
async function confined(without: string, ...args: readonly string[]): Promise<ExecResult> {
  const unit = await readFile(join(projectRoot, "packaging/host/rebootless.service"), "utf8");
  const kept = /^CapabilityBoundingSet=(.+)$/m.exec(unit)?.[1]?.split(" ") ?? [];
  const names = kept
    .map((name) => name.replace(/^CAP_/, "").toLowerCase())
    .filter((name) => name !== without);
  const bounding = ["-all", ...names.map((name) => `+${name}`)].join(",");
  const command = [SETPRIV, "--no-new-privs", "--bounding-set", bounding, "rebootless", ...args];
  return guest.exec(command, { timeoutMs: 120_000 });
}

async function verdicts(...args: readonly string[]): Promise<Record<string, string>> {
  const { checks } = JSON.parse((await rebootless("doctor", "--json", ...args)).stdout);
  return Object.fromEntries(checks.map(({ check, verdict }: Record<string, string>) => [check, verdict]));
}

test("busybox installs the tarball, and the command is there", async () => {
  const said = await guest.mustExec(
    `cd /root && tar xzf rebootless.tar.gz && PREFIX=/usr sh rebootless-0.1.0/install.sh`,
  );
  expect(said).toContain("Installed below /usr.");
  expect((await rebootless("--version")).stdout).toBe("0.1.0\n");
});

test("doctor finds the kernel fit, and says that nothing is set up", async () => {
  const found = await verdicts("--offline");
  for (const check of [
    "kernel",
    "livepatch",
    "ftrace",
    "modules",
    "lockdown",
    "rights",
    "memory",
    "tools",
    "node",
  ]) {
    expect(`${check}: ${found[check]}`).toBe(`${check}: ok`);
  }
  expect(found).toMatchObject({ configuration: "fail", root: "fail", feed: "fail" });
});

test("after init doctor finds nothing that forbids updates", async () => {
  const url = guest.feedUrl(Number(new URL(feed.edge.url).port));
  const init = await rebootless("init", "--feed", url, "--root", ROOT_IN_GUEST);
  expect(init.code, init.stderr).toBe(0);
  expect(await guest.mustExec(["cat", "/etc/rebootless/rebootless.toml"])).toContain('# mode = "automatic"');
  const { code, stdout, stderr } = await rebootless("doctor");
  expect(code, stdout + stderr).toBe(0);
  expect(stdout).toMatch(/^ok {4}feed {11}reached, .* 1 update for this kernel$/m);
});

test("without a right of its unit nothing is applied, and doctor names it", async () => {
  const crippled = await confined("sys_module", "doctor", "--offline", "--json");
  expect(crippled.code).toBe(1);
  expect(crippled.stdout).toContain("this process lacks CAP_SYS_MODULE");
  expect((await confined("sys_module", "upgrade")).code).not.toBe(0);
  expect((await confined("sys_rawio", "upgrade")).code).toBe(7);
  expect(await guest.mustExec("ls /sys/kernel/livepatch")).toBe("");
});

test("with the rights of its unit a scheduled run applies the update", async () => {
  const result = await confined("", "--set", "jitter=0s", "--quiet", "upgrade", "--scheduled");
  expect(result.code, result.stderr).toBe(0);
  expect(await guest.mustExec(["cat", "/proc/cmdline"])).toContain("this function was replaced");
});

test("monitors and scanners are told", async () => {
  const metrics = parseExposition((await rebootless("metrics")).stdout);
  const samples = (name: string) => metrics.get(name)?.samples;
  expect(samples("rebootless_updates")).toEqual([{ labels: { state: "applied" }, value: 1 }]);
  expect(samples("rebootless_cves")).toEqual([{ labels: { status: "fixed" }, value: 1 }]);
  expect(samples("rebootless_last_run_exit_code")).toEqual([{ labels: { command: "upgrade" }, value: 0 }]);
  expect(samples("rebootless_last_transition_seconds")?.[0]?.value).toBeGreaterThan(0);
  const vex = JSON.parse((await rebootless("vex")).stdout);
  expect(vex.statements).toMatchObject([{ vulnerability: { name: CVE }, status: "fixed" }]);
});

test("removed, it says what stays in the kernel, and it stays", async () => {
  const removed = await guest.exec("PREFIX=/usr sh /root/rebootless-0.1.0/install.sh uninstall");
  expect(removed.code, removed.stderr).toBe(0);
  expect(removed.stderr).toContain("updates that are applied stay in the running kernel");
  expect(await guest.mustExec("ls /usr/bin/rebootless /usr/lib/rebootless 2>/dev/null || true")).toBe("");
  expect(await guest.mustExec(["cat", "/proc/cmdline"])).toContain("this function was replaced");
});
