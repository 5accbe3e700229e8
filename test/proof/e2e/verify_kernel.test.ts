import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { toHex } from "../../../shared/bytes.ts";
import { ELF_TYPE } from "../../../shared/elf/header.ts";
import { SEGMENT_TYPE } from "../../../shared/elf/program_headers.ts";
import { openFingerprints } from "../../../shared/runpre/file/decode.ts";
import { hostBundle, mustPublish, runNode } from "../../support/commands.ts";
import { buildElf } from "../../support/elf_builder.ts";
import type { ExecResult, Guest } from "../../support/guest/guest.ts";
import { findKernel } from "../../support/guest/machine.ts";
import { bootHost, CLIENT, ROOT_IN_GUEST, rebootless } from "../../support/host.ts";
import { flipBit } from "../../support/hostile_mirror.ts";
import { captureText } from "../runpre/capture.ts";
import { type Publication, startPublication } from "./publication.ts";

/*
 * Every function of a booted stock kernel, and everything that may rightly or wrongly change one of them. The guest has
 * five levels of page tables: its /proc/kcore has the text past 2^53. One story told in order.
 */

vi.setConfig({ testTimeout: 180_000 });

const UPDATE = "demo-cmdline-1";
const MODULE = "rebootless_demo_cmdline";
const PATCHED = "cmdline_proc_show";
const PROBED = "vfs_read";
const FLIPPED = "version_proc_show";
const kernel = findKernel("primary");
let feed: Publication;
let guest: Guest;
let file: string;
let bytes: Uint8Array;

beforeAll(async () => {
  feed = await startPublication();
  file = join(feed.dir, "kernel.fp");
  await mustPublish("fingerprint", kernel.vmlinuz, "-o", file);
  bytes = await readFile(file);
  guest = await bootHost(kernel, feed.rootFile, [{ path: "/root/kernel.fp", content: bytes, mode: 0o644 }], {
    cpu: "max",
  });
  await guest.mustExec(
    "mount -t debugfs debugfs /sys/kernel/debug && mount -t tracefs tracefs /sys/kernel/tracing",
  );
  await guest.mustExec("mount -t securityfs securityfs /sys/kernel/security");
}, 240_000);

afterAll(async () => {
  await guest?.close();
  await feed?.close();
}, 60_000);

const json = (result: Pick<ExecResult, "stdout">): Record<string, unknown> => JSON.parse(result.stdout);
const verify = (...more: readonly string[]) => rebootless(guest, "verify", "--kernel", "--json", ...more);
const functions = () => openFingerprints(bytes).count;

describe("a kernel as it booted", () => {
  test("matches with all of its functions, also where kptr_restrict hides addresses", async () => {
    await guest.mustExec(["sysctl", "kernel.kptr_restrict=2"]);
    const offset = await guest.mustExec("od -A n -t x8 -j 128 -N 8 /proc/kcore");
    expect(BigInt(`0x${offset.trim()}`)).toBeGreaterThan(2n ** 53n);
    const result = await verify("--fingerprints", "/root/kernel.fp");
    expect(result.code, result.stderr).toBe(0);
    expect(functions()).toBeGreaterThan(90_000);
    expect(json(result)).toMatchObject({
      functions: functions(),
      matched: functions(),
      differing: [],
      unread: [],
    });
  });

  test("matches in a copy of its memory too, elsewhere", async () => {
    const core = join(feed.dir, "core");
    const { text, bytes: memory, notes } = await captureText(guest);
    const segments = [
      { type: SEGMENT_TYPE.note, address: 0n, data: notes },
      { address: text, data: memory },
    ];
    await writeFile(core, buildElf({ type: ELF_TYPE.core, segments }));
    const args = ["verify", "--kernel", "--fingerprints", file, "--kcore", core, "--json"];
    const result = await runNode([hostBundle, ...args]);
    expect(result.code, result.stderr).toBe(0);
    expect(json(result)).toMatchObject({ memory: core, functions: functions(), matched: functions() });
  });
});

describe("with a live patch and a probe", () => {
  test("the feed's own fingerprints say which functions they changed, and that is in order", async () => {
    await feed.publish(kernel, MODULE, UPDATE);
    await mustPublish("push", feed.dir, "--fingerprints", file, "--feed", feed.edge.url);
    const port = Number(new URL(feed.edge.url).port);
    const init = await rebootless(guest, "init", "--feed", guest.feedUrl(port), "--root", ROOT_IN_GUEST);
    expect(init.code, init.stderr).toBe(0);
    const upgrade = await rebootless(guest, "upgrade", "--json");
    expect(upgrade.code, upgrade.stderr).toBe(0);
    const events = "/sys/kernel/tracing";
    await guest.mustExec(`echo 'p:probe ${PROBED}+9' > ${events}/kprobe_events`);
    await guest.mustExec(
      `echo 1 > ${events}/events/kprobes/enable; sleep 1; cat /sys/kernel/debug/kprobes/list`,
    );

    const result = await verify();
    expect(result.code, result.stderr).toBe(0);
    expect(json(result)).toMatchObject({
      fingerprints: "the feed's fingerprint file",
      functions: functions(),
      matched: functions() - 2,
      livepatched: 1,
      probed: 1,
      unexplained: 0,
    });
    expect(json(result)["differing"]).toMatchObject([
      { function: PROBED, why: "probed", by: [`${PROBED}+0x9`] },
      { function: PATCHED, why: "livepatched", by: [MODULE], attached: true },
    ]);
  });

  test("a byte flipped in memory is named, and nothing explains it", async () => {
    const all = openFingerprints(bytes);
    const index = Array.from({ length: all.count }, (_, i) => i).find((i) => all.name(i) === FLIPPED);
    const place = all.offset(index ?? 0) + 0x2a;
    const before = await guest.memory.read(place, 1);
    await guest.memory.write(place, flipBit(before, 0, 3));
    const result = await verify("--fingerprints", "/root/kernel.fp");
    await guest.memory.write(place, before);
    expect(result.code, result.stderr).toBe(6);
    expect(result.stderr).toContain("error: 1 function with differences that nothing explains");
    expect(json(result)).toMatchObject({ exit_code: 6, livepatched: 1, probed: 1, unexplained: 1 });
    const differing = json(result)["differing"] as readonly Record<string, unknown>[];
    expect(differing.filter(({ why }) => why === "unexplained")).toMatchObject([
      {
        function: FLIPPED,
        differences: [{ offset: 0x2a, length: 1, found: toHex(flipBit(before, 0, 3)) }],
      },
    ]);
  });
});

describe("where kernel memory cannot be read, each case says so", () => {
  const command = `node ${CLIENT} verify --kernel --fingerprints /root/kernel.fp`;

  test.each([
    [
      "not root",
      `cp /root/kernel.fp /tmp; chmod 755 /tmp/kernel.fp; su nobody -s /bin/sh -c '${command.replace("/root", "/tmp")}'`,
      "hint: Run as root.",
    ],
    ["root of a container", `unshare -U -r ${command}`, "CAP_SYS_RAWIO, which a container lacks"],
    [
      "hidden by a container engine",
      `unshare -m sh -c 'mount --bind /dev/null /proc/kcore && ${command}'`,
      "hidden from this container",
    ],
    [
      "lockdown",
      `echo confidentiality > /sys/kernel/security/lockdown; ${command}`,
      "Kernel lockdown is in confidentiality mode",
    ],
  ])("%s", async (_, script, message) => {
    const result = await guest.exec(script);
    expect(result.code, result.stderr).toBe(7);
    expect(result.stderr).toContain(message);
  });
});
