import assert from "node:assert/strict";
import type { ExecResult, Guest } from "../../support/guest/guest.ts";
import { ROOT_IN_GUEST, rebootless } from "../../support/host.ts";

/** What a command of the client came to. */
export interface Said extends ExecResult {
  /** The object on stdout. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** A live patch as the kernel has it. */
export interface KernelPatch {
  readonly name: string;
  readonly enabled: boolean;
  readonly transition: boolean;
}

/** A booted machine with the client on it, seen from outside: what the client says, and what the kernel says. */
export class Host {
  readonly guest: Guest;
  readonly #feed: string;

  /** @param feed what the client in the guest is given as its feed: an address, or a folder in the guest. */
  constructor(guest: Guest, feed: string) {
    this.guest = guest;
    this.#feed = feed;
  }

  /** Runs the client with --json, whatever comes of it. */
  async run(...args: readonly string[]): Promise<Said> {
    const result = await rebootless(this.guest, ...args, "--json");
    return { ...result, json: parseObject(result) };
  }

  /** The same, for what has to end with a certain exit code. */
  async expect(code: number, ...args: readonly string[]): Promise<Said> {
    const said = await this.run(...args);
    const what = `rebootless ${args.join(" ")} ended with ${said.code}, not ${code}`;
    assert.equal(said.code, code, `${what}\n${said.stdout}${said.stderr}`);
    return said;
  }

  must(...args: readonly string[]): Promise<Said> {
    return this.expect(0, ...args);
  }

  /** As a host that never heard of updates, set up for the feed. Nothing of what was there before is left. */
  async setUp(): Promise<void> {
    const clear = "for d in /var/lib/rebootless /etc/rebootless /run/rebootless; do rm -rf $d/*; done";
    await this.guest.mustExec(`${clear}; rm -f /run/rebootless_refuse`);
    await this.must("init", "--feed", this.#feed, "--root", ROOT_IN_GUEST);
  }

  /** By what `status` says: the state of each update. */
  async states(): Promise<Readonly<Record<string, string>>> {
    const { json } = await this.must("status");
    const updates = json["updates"] as readonly { id: string; state: string }[];
    return Object.fromEntries(updates.map(({ id, state }) => [id, state]));
  }

  /** By what sysfs says, sorted by name. */
  async patches(): Promise<readonly KernelPatch[]> {
    const script = `cd /sys/kernel/livepatch && for p in *; do [ -e "$p/enabled" ] || continue
      echo "$p $(cat "$p/enabled") $(cat "$p/transition")"; done`;
    const lines = (await this.guest.mustExec(script)).split("\n").filter((line) => line !== "");
    return lines.map((line) => {
      const [name = "", enabled, transition] = line.split(" ");
      return { name, enabled: enabled === "1", transition: transition === "1" };
    });
  }

  /** Names of loaded modules that begin so. */
  async modules(prefix: string): Promise<readonly string[]> {
    const text = await this.guest.mustExec("cut -d ' ' -f 1 /proc/modules");
    return text
      .split("\n")
      .filter((name) => name.startsWith(prefix))
      .sort();
  }

  /** The kernel runs no live patch and holds no module of ours but targets. */
  async expectUntouched(): Promise<void> {
    assert.deepEqual(await this.patches(), []);
    const patches = (await this.modules("rebootless_")).filter(
      (name) => !name.startsWith("rebootless_target_"),
    );
    assert.deepEqual(patches, [], "modules that are still loaded");
  }

  async read(path: string): Promise<string> {
    return this.guest.mustExec(["cat", path]);
  }
}

function parseObject({ stdout, stderr, code }: ExecResult): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(stdout) as Readonly<Record<string, unknown>>;
  } catch (cause) {
    throw new Error(`no JSON, exit code ${code}: ${stdout.slice(0, 500)}\n${stderr.slice(-2000)}`, { cause });
  }
}
