import assert from "node:assert/strict";
import { closeSync, ftruncateSync, openSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { SourcePair } from "../../test/proof/create/pair.ts";
import type { ExecResult, Guest } from "../../test/support/guest/guest.ts";
import { bootHost, CLIENT, ROOT_IN_GUEST, rebootless } from "../../test/support/host.ts";
import type { PublicFix } from "./public_fix.ts";
import type { Teller } from "./teller.ts";

const DISK_BYTES = 64 << 20;
const SCRIPT_TIMEOUT_MS = 120_000;

/** A host of the demo: a guest that runs the kernel as Debian ships it. */
export class DemoHost {
  readonly #guest: Guest;
  readonly #fix: PublicFix;
  readonly #teller: Teller;

  private constructor(guest: Guest, fix: PublicFix, teller: Teller) {
    this.#guest = guest;
    this.#fix = fix;
    this.#teller = teller;
  }

  /** @param root the file of the root of trust. */
  static async boot(
    { kernel }: SourcePair,
    fix: PublicFix,
    { work, root }: { readonly work: string; readonly root: string },
    teller: Teller,
  ): Promise<DemoHost> {
    teller.title(`host: boot ${kernel.version}, unmodified, in QEMU`);
    const disk = join(work, "disk");
    const file = openSync(disk, "w");
    ftruncateSync(file, DISK_BYTES);
    closeSync(file);
    const guest = await bootHost(kernel, root, [], { disks: [disk] });
    teller.show((await guest.mustExec(["uname", "-srvm"])).trim());
    return new DemoHost(guest, fix, teller);
  }

  close(): Promise<void> {
    return this.#guest.close();
  }

  async setUp(port: number): Promise<void> {
    this.#teller.title("host: set up");
    await this.#command("init", "--feed", this.#guest.feedUrl(port), "--root", ROOT_IN_GUEST);
  }

  /** Looks at everything that an upgrade would do, which changes nothing. */
  async look(): Promise<void> {
    this.#teller.title("host: everything but loading");
    await this.#command("upgrade", "--dry-run");
    assert.match(await this.#command("status"), new RegExp(`^available +${this.#fix.id}`, "m"));
  }

  /** Runs what the timer runs every four hours. */
  async takeUpdate(): Promise<void> {
    this.#teller.title("host: its timer runs, as it does every four hours");
    const args = ["--quiet", "upgrade", "--scheduled"];
    // systemd sets this for the unit; without it, the command would wait a random time first.
    const env = { INVOCATION_ID: "0123456789abcdef0123456789abcdef" };
    const timeoutMs = SCRIPT_TIMEOUT_MS;
    this.#shown(args, await this.#guest.exec(["node", CLIENT, ...args], { timeoutMs, env }));
    assert.match(await this.#command("status"), new RegExp(`^applied +${this.#fix.id}`, "m"));
  }

  /** Shows what the host knows of the update, and that it was tried before it was signed. */
  async showUpdate(): Promise<void> {
    this.#teller.title("host: what it runs now, and that it was tried");
    assert.match(await this.#command("show", this.#fix.id), /^tried +\S/m);
  }

  async undo(): Promise<void> {
    this.#teller.title("host: undo");
    await this.#command("undo", this.#fix.id);
    assert.match(await this.#command("status"), new RegExp(`^available +${this.#fix.id}`, "m"));
  }

  /** Runs what oopses without the update. The kernel stays healthy. */
  async survive(reproducer: string): Promise<void> {
    this.#teller.title("host, with the update: write a file, drop caches, remove the file");
    const script = await readFile(reproducer, "utf8");
    this.#teller.show(script);
    const { code, stdout, stderr } = await this.#guest.exec(script, { timeoutMs: SCRIPT_TIMEOUT_MS });
    assert.equal(code, 0, `removing the file ended with ${code}: ${stderr}`);
    assert.doesNotMatch(await this.#guest.mustExec(["dmesg"]), /BUG:|Oops/, "the kernel is healthy");
    this.#teller.show(`${stdout.trim()}; no word of it in the kernel's log`);
  }

  /** Runs the same again. The kernel crashes, as is expected without the update. */
  async crash(reproducer: string): Promise<void> {
    this.#teller.title("host, without the update: the same again");
    const script = await readFile(reproducer, "utf8");
    const outcome = await this.#guest.exec(script, { timeoutMs: SCRIPT_TIMEOUT_MS }).then(
      ({ code, stdout }) => `exit code ${code}: ${stdout}`,
      () => undefined,
    );
    // The report goes on for a moment after the command has ended.
    for (let tries = 0; this.#guest.crash() === undefined && tries < 100; tries++) await sleep(100);
    assert(this.#guest.crash() !== undefined, `without the update the kernel is healthy: ${outcome}`);
    const lines = this.#guest.console().split("\n");
    const told = lines.filter((line) => /BUG:|Oops|RIP: 0010:|Comm:/.test(line));
    assert(
      told.some((line) => line.includes("ext4_mb_")),
      `an oops elsewhere:\n${told.join("\n")}`,
    );
    this.#teller.show(told.slice(0, 6).join("\n"));
  }

  /** Runs one command of the client, which has to succeed. */
  async #command(...args: readonly string[]): Promise<string> {
    return this.#shown(args, await rebootless(this.#guest, ...args));
  }

  #shown(args: readonly string[], { code, stdout, stderr, ms }: ExecResult): string {
    this.#teller.show(`# rebootless ${args.join(" ")}   (${ms} ms)\n${stderr}${stdout}`);
    assert.equal(code, 0, `rebootless ${args.join(" ")} ended with ${code}`);
    return stdout;
  }
}
