import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { textOffset } from "../../../shared/brand.ts";
import { type Bundle, decodeBundle, encodeBundle } from "../../../shared/feed/bundle.ts";
import type { FunctionFingerprint } from "../../../shared/runpre/fingerprint.ts";
import { mustPublish } from "../../support/commands.ts";
import { freePort } from "../../support/edge_process.ts";
import type { ExecResult, Guest } from "../../support/guest/guest.ts";
import { findKernel } from "../../support/guest/machine.ts";
import { bootHost, ROOT_IN_GUEST, rebootless } from "../../support/host.ts";
import { flipBit, type HostileMirror, honest, hostileMirror } from "../../support/hostile_mirror.ts";
import { type Publication, startPublication } from "./publication.ts";

/*
 * The host's whole job on a booted stock kernel, against the real edge, through a mirror that may lie. The tests are
 * one story told in order; each leaves the guest as it found it, unless it says otherwise.
 */

vi.setConfig({ testTimeout: 90_000 });

const CMDLINE = "demo-cmdline-1";
const VERSION = "demo-version-1";
const kernel = findKernel("primary");
let feed: Publication;
let mirror: HostileMirror;
let guest: Guest;
let cmdline: string;
let replaced: FunctionFingerprint;

beforeAll(async () => {
  feed = await startPublication();
  mirror = await hostileMirror(feed.edge.url);
  guest = await bootHost(kernel, feed.rootFile);
  cmdline = await guest.mustExec(["cat", "/proc/cmdline"]);
}, 180_000);

afterAll(async () => {
  await guest?.close();
  await mirror?.close();
  await feed?.close();
}, 60_000);

const setUp = (port: number) =>
  rebootless(guest, "init", "--feed", guest.feedUrl(port), "--root", ROOT_IN_GUEST);
const forget = () => guest.mustExec(["rm", "-rf", "/var/lib/rebootless"]);
const json = (result: ExecResult): Record<string, unknown> => JSON.parse(result.stdout);

/** The kernel runs no live patch, holds no module of ours and behaves as it shipped. */
async function expectUntouched(): Promise<void> {
  expect(await guest.mustExec("ls /sys/kernel/livepatch; lsmod | grep rebootless || true")).toBe("");
  expect(await guest.mustExec(["cat", "/proc/cmdline"])).toBe(cmdline);
}

describe("before there is anything", () => {
  test("a host that was not set up says how to", async () => {
    const result = await rebootless(guest, "check");
    expect(result.code).toBe(2);
    expect(result.stderr).toMatch(/^error: .*\nbecause|^error: /m);
    expect(result.stderr).toContain("hint: Run `rebootless init");
  });

  test("a root of trust with a flipped bit is refused, and nothing is set up", async () => {
    const root = await guest.getFile(ROOT_IN_GUEST);
    await guest.putFile("/root/bad.json", flipBit(root, root.indexOf('"signed":') + 60));
    const result = await rebootless(
      guest,
      "init",
      "--feed",
      "http://10.0.2.2:9/",
      "--root",
      "/root/bad.json",
    );
    expect(result.code).toBe(4);
    expect(result.stderr).toContain("error: ");
    await guest.mustExec("! test -e /etc/rebootless/root.json");
  });

  test("not root says so", async () => {
    const command = "node /usr/lib/rebootless/rebootless.cjs upgrade";
    const result = await guest.exec(["su", "nobody", "-s", "/bin/sh", "-c", command]);
    expect(result.code).toBe(7);
    expect(result.stderr).toContain("error: only root can apply updates");
    expect(result.stderr).toContain("hint: ");
  });

  test("a kernel that the feed does not cover has an exit code of its own", async () => {
    expect((await setUp(mirror.port)).code).toBe(0);
    const result = await rebootless(guest, "upgrade", "--json");
    expect(result.code).toBe(5);
    expect(json(result)).toMatchObject({ schema: 1, command: "upgrade", error: { code: "not_covered" } });
  });
});

describe("with an update published", () => {
  beforeAll(async () => {
    const draft = await feed.publish(kernel, "rebootless_demo_cmdline", CMDLINE);
    const fn = draft.updates[0]?.objects[0]?.functions[0];
    if (!fn) throw new Error("the draft replaces nothing");
    replaced = fn;
    // Version 2 of the root: from here on the bundle carries one.
    await mustPublish("root", "renew", feed.dir, "--feed", feed.edge.url);
  }, 120_000);

  /** Where the signed part of a metadata file is well under way. */
  const inSigned = (bytes: Uint8Array) => Buffer.from(bytes).indexOf('"signed":') + 60;
  const middle = (bytes: Uint8Array) => bytes.length >> 1;
  const inBundle =
    (change: (bundle: Bundle) => Bundle): HostileMirror["tamper"] =>
    (path, body) =>
      path.endsWith("feed.json") ? encodeBundle(change(decodeBundle(body))) : body;

  const flips: readonly (readonly [string, HostileMirror["tamper"]])[] = [
    ["root", inBundle((b) => ({ ...b, roots: b.roots.map((root) => flipBit(root, inSigned(root))) }))],
    ["timestamp", inBundle((b) => ({ ...b, timestamp: flipBit(b.timestamp, inSigned(b.timestamp)) }))],
    ["snapshot", inBundle((b) => ({ ...b, snapshot: flipBit(b.snapshot, inSigned(b.snapshot)) }))],
    ["targets", inBundle((b) => ({ ...b, targets: flipBit(b.targets, inSigned(b.targets)) }))],
    ["manifest", inBundle((b) => ({ ...b, manifest: flipBit(b.manifest, middle(b.manifest)) }))],
    ["module", (path, body) => (path.startsWith("artifacts/") ? flipBit(body, middle(body)) : body)],
  ];

  test.each(flips)("a flipped bit in the %s is refused and nothing is loaded", async (_part, tamper) => {
    let tampered = false;
    mirror.tamper = async (path, body) => {
      const after = await tamper(path, body);
      tampered ||= Buffer.compare(after, body) !== 0;
      return after;
    };
    const result = await rebootless(guest, "upgrade", "--json");
    mirror.tamper = honest;
    await forget();
    expect(tampered).toBe(true);
    expect(result.code, result.stderr).toBe(4);
    expect(json(result)).toMatchObject({ error: { code: "trust" } });
    await expectUntouched();
  });

  test("another kernel's valid metadata is refused, and leaves no mark", async () => {
    const other = findKernel("secondary");
    const { kernel: identity } = await feed.publish(other, "rebootless_demo_cmdline", CMDLINE);
    const theirs = await fetch(`${feed.edge.url}kernels/${identity.buildId}/feed.json`);
    const foreign = new Uint8Array(await theirs.arrayBuffer());
    mirror.tamper = () => foreign;
    const result = await rebootless(guest, "upgrade", "--json");
    mirror.tamper = honest;
    expect(result.code, result.stderr).toBe(4);
    expect(result.stderr).toContain(identity.buildId);
    const kept = "test ! -e /var/lib/rebootless || find /var/lib/rebootless -name '*.json'";
    expect(await guest.mustExec(kept)).toBe("");
    await expectUntouched();
  });

  test("a dry run does everything but load", async () => {
    const result = await rebootless(guest, "upgrade", "--dry-run", "--json");
    expect(result.code, result.stderr).toBe(0);
    expect(json(result)).toMatchObject({ dry_run: true, results: [{ id: CMDLINE, result: "would_apply" }] });
    await expectUntouched();
  });

  test.each([0x10, 0x2f])(
    "one byte flipped in memory at +%d of the function: run-pre refuses and names it",
    async (at) => {
      const place = textOffset(replaced.offset + at);
      const before = await guest.memory.read(place, 1);
      await guest.memory.write(place, flipBit(before, 0, 3));
      const result = await rebootless(guest, "upgrade", "--json");
      await guest.memory.write(place, before);
      expect(result.code, result.stderr).toBe(6);
      expect(result.stderr).toContain(`cmdline_proc_show+0x${at.toString(16)} `);
      expect(json(result)).toMatchObject({
        error: { code: "runpre", details: { function: "cmdline_proc_show", offset: at } },
      });
      await expectUntouched();
    },
  );

  test("the update applies, once, and shows in /proc, sysfs and status", async () => {
    const result = await rebootless(guest, "upgrade", "--json");
    expect(result.code, result.stderr).toBe(0);
    expect(json(result)).toMatchObject({ results: [{ id: CMDLINE, result: "applied" }] });
    expect(await guest.mustExec(["cat", "/proc/cmdline"])).toContain("this function was replaced");
    expect(await guest.mustExec(["cat", "/sys/kernel/livepatch/rebootless_demo_cmdline/enabled"])).toBe(
      "1\n",
    );
    expect(json(await rebootless(guest, "status", "--json"))).toMatchObject({
      updates: [{ id: CMDLINE, state: "applied" }],
    });
    expect(json(await rebootless(guest, "upgrade", "--json"))).toMatchObject({ results: [] });
  });

  test("what is loaded is verified by its update's id, and a damaged copy is refused", async () => {
    const result = await rebootless(guest, "verify", CMDLINE, "--json");
    expect(result.code, result.stderr).toBe(0);
    expect(json(result)).toMatchObject({ verified: [{ what: CMDLINE, kind: "loaded module" }] });
    await guest.mustExec("cp /var/lib/rebootless/*/artifacts/*.ko /root/fix.ko && echo >> /root/fix.ko");
    expect((await rebootless(guest, "verify", "/root/fix.ko")).code).toBe(4);
  });

  test("with nothing new a check is one request", async () => {
    mirror.asked.length = 0;
    const result = await rebootless(guest, "check", "--json");
    expect(json(result)).toMatchObject({ changed: false, requests: 1, bytes: 0 });
    expect(mirror.asked).toHaveLength(1);
  });

  test("a feed that is down leaves what is applied as it is", async () => {
    await guest.mustExec(["cp", "-r", "/etc/rebootless", "/etc/down"]);
    await guest.putFile("/etc/down/rebootless.toml", `feed = "${guest.feedUrl(await freePort())}/"\n`);
    const result = await rebootless(guest, "upgrade", "--config-dir", "/etc/down");
    expect(result.code).toBe(3);
    expect(result.stderr).toContain("hint: Nothing was changed");
    expect(json(await rebootless(guest, "status", "--json"))).toMatchObject({
      updates: [{ id: CMDLINE, state: "applied" }],
    });
  });

  test("a second update that depends on the first applies after it; both are undone in reverse", async () => {
    await feed.publish(kernel, "rebootless_demo_version", VERSION, "--depends", CMDLINE);
    const upgrade = await rebootless(guest, "upgrade", "--json");
    expect(json(upgrade), upgrade.stderr).toMatchObject({ results: [{ id: VERSION, result: "applied" }] });
    const undo = await rebootless(guest, "undo", CMDLINE, "--json");
    expect(undo.code, undo.stderr).toBe(0);
    expect(json(undo)).toMatchObject({ results: [{ id: VERSION }, { id: CMDLINE }] });
    await expectUntouched();
  });
});
