import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bootGuest, type Guest } from "../../support/guest/guest.ts";
import { findKernel, projectRoot } from "../../support/guest/machine.ts";

const kernel = findKernel("primary");

let guest: Guest;
beforeAll(async () => {
  const kcoreReader = {
    path: "/root/kcore_reader.cjs",
    content: { from: join(projectRoot, "test/support/guest/kcore_reader.cjs") },
  };
  guest = await bootGuest({ kernel, files: [kcoreReader], append: "rebootless.test=1" });
}, 120_000);
afterAll(async () => guest?.close());

/** How far a symbol is from `_text`, by the guest's own account. */
async function offsetOf(symbol: string): Promise<number> {
  const text = await guest.mustExec(`grep -E ' (_text|${symbol})$' /proc/kallsyms`);
  const addresses = new Map(text.split("\n").map((line) => [line.split(" ")[2], line.split(" ")[0]]));
  return Number(BigInt(`0x${addresses.get(symbol)}`) - BigInt(`0x${addresses.get("_text")}`));
}

describe("a guest", { timeout: 60_000 }, () => {
  test("runs the kernel it was given, with our command line", async () => {
    expect(await guest.mustExec(["uname", "-r"])).toBe(`${kernel.version}\n`);
    expect(await guest.mustExec(["cat", "/proc/cmdline"])).toContain("rebootless.test=1");
  });

  test("has the host's time", async () => {
    const seconds = Number(await guest.mustExec("date +%s"));
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(5);
  });

  test("gives exit code, stdout and stderr of a script", async () => {
    const result = await guest.exec('echo out; echo "err $NAME" >&2; exit 7', { env: { NAME: "it's" } });
    expect(result).toMatchObject({ code: 7, stdout: "out\n", stderr: "err it's\n" });
  });

  test("takes arguments as they are", async () => {
    expect(await guest.mustExec(["printf", "%s|", "a b", "$HOME", "it's", ""])).toBe("a b|$HOME|it's||");
  });

  test("tells a missing program and a signal by their codes", async () => {
    expect(await guest.exec(["no-such-program"])).toMatchObject({ code: 127 });
    expect(await guest.exec("kill -TERM $$")).toMatchObject({ code: 143 });
  });

  test("kills what takes too long, and goes on", async () => {
    await expect(guest.exec("echo started; sleep 60", { timeoutMs: 500 })).rejects.toThrow(
      /500 ms.*\nstarted/s,
    );
    expect(await guest.mustExec("ps | grep -c '[s]leep 60' || true")).toBe("0\n");
  });

  test("runs commands side by side", async () => {
    const slow = guest.exec("while [ ! -e /tmp/flag ]; do usleep 50000; done; echo seen");
    await guest.mustExec("touch /tmp/flag");
    expect((await slow).stdout).toBe("seen\n");
  });

  test.each([0, 1, 65_535, 65_536, 3_000_001])("keeps a file of %d random bytes", async (size) => {
    const bytes = randomBytes(size);
    await guest.putFile("/var/some dir/file", bytes, 0o600);
    expect((await guest.getFile("/var/some dir/file")).equals(bytes)).toBe(true);
    expect(await guest.mustExec(["stat", "-c", "%a %s", "/var/some dir/file"])).toBe(`600 ${size}\n`);
  });

  test("says why a file cannot be read", async () => {
    await expect(guest.getFile("/no/such/file")).rejects.toThrow(/No such file/);
  });

  test("reaches a server on the host's loopback, from busybox and from node", async () => {
    const server = createServer((request, response) => response.end(`you asked for ${request.url}`));
    await once(server.listen(0, "127.0.0.1"), "listening");
    try {
      const url = guest.feedUrl((server.address() as AddressInfo).port);
      expect(await guest.mustExec(["wget", "-q", "-O", "-", `${url}/a`])).toBe("you asked for /a");
      const fetchText = "fetch(process.argv[1]).then((r) => r.text()).then((t) => process.stdout.write(t))";
      expect(await guest.mustExec(["node", "-e", fetchText, `${url}/b`])).toBe("you asked for /b");
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });

  test("shows its kernel's text as the kernel itself does, and runs what is written there", async () => {
    const offset = await offsetOf("cmdline_proc_show");
    const show = ["node", "/root/kcore_reader.cjs", "cmdline_proc_show", "64"];
    const before = await guest.memory.read(offset, 64);
    expect(before.toString("hex")).toBe(await guest.mustExec(show));

    const returnZero = Buffer.from("31c0c3", "hex"); // xor eax, eax; ret
    await guest.memory.write(offset, returnZero);
    expect((await guest.mustExec(show)).startsWith("31c0c3")).toBe(true);
    expect(await guest.mustExec(["cat", "/proc/cmdline"])).toBe("");

    await guest.memory.write(offset, before.subarray(0, returnZero.length));
    expect(await guest.mustExec(["cat", "/proc/cmdline"])).toContain("rebootless.test=1");
    expect(guest.crash()).toBeUndefined();
  });

  test("ends waiting commands with the console's last words when its kernel crashes", async () => {
    await expect(guest.exec("echo c >/proc/sysrq-trigger")).rejects.toThrow(
      /Kernel panic|sysrq triggered crash/i,
    );
    await expect(guest.exec(["true"])).rejects.toThrow(/crash|panic/i);
    expect(guest.crash()?.code).toBe("io");
  });
});
