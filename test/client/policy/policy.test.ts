import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readHolds, writeHolds } from "../../../client/policy/holds.ts";
import { policyOf } from "../../../client/policy/policy.ts";
import { configFile, type Places, readConfig } from "../../../node/config/config.ts";
import { updateId } from "../../../shared/brand.ts";
import { DAY, instant } from "../../../shared/time.ts";
import { FakeSystem } from "../../support/fake_system.ts";

const FIX = updateId("fix-1");
const MACHINE = "0123456789abcdef0123456789abcdef";
const hold = { what: "fix-1", reason: null, since: instant(0) };

let places: Places;
beforeEach(async () => {
  const dir = await mkdtemp(join(tmpdir(), "rebootless-policy-"));
  places = { configDir: dir, stateDir: join(dir, "state"), runDir: join(dir, "run") };
});
afterEach(() => rm(places.configDir, { recursive: true }));

class Machine extends FakeSystem {
  readonly texts: Readonly<Record<string, string>>;
  constructor(texts: Readonly<Record<string, string>> = {}) {
    super();
    this.texts = texts;
  }
  override read = async (path: string): Promise<string | undefined> => this.texts[path];
}

async function policy(text: string, files: Readonly<Record<string, string>> = {}) {
  await writeFile(configFile(places), `feed = "/srv/feed"\n${text}`);
  return policyOf(await readConfig(places, {}), places, new Machine(files));
}

describe("the policy of a host", () => {
  it("is what the configuration and the holds say", async () => {
    await writeHolds(places.stateDir, [hold]);
    expect(await policy('delay = "3d"\ncut_off = 2026-12-01\npin = ["fix-1"]')).toMatchObject({
      holds: [hold],
      delayMs: 3 * DAY,
      cutOff: Date.UTC(2026, 11, 1),
      pin: ["fix-1"],
    });
    expect(await policy("")).toMatchObject({ delayMs: 0, cutOff: null, pin: null });
  });

  it("takes the bucket from the machine's id, or from D-Bus's", async () => {
    const bucket = 0x00720f16 / 2 ** 32; // sha256sum of "<machine id> fix-1"
    expect((await policy("", { "/etc/machine-id": MACHINE })).bucket(FIX)).toBe(bucket);
    const dbus = { "/etc/machine-id": "uninitialized", "/var/lib/dbus/machine-id": MACHINE };
    expect((await policy("", dbus)).bucket(FIX)).toBe(bucket);
  });

  it("puts a host without an id last", async () => {
    expect((await policy("")).bucket(FIX)).toBe(1);
  });

  it.each([
    ['"early"', 0],
    ["25", 0.25],
    ["100", 1],
  ])("takes the bucket from rollout = %s", async (share, bucket) => {
    expect((await policy(`rollout = ${share}`, { "/etc/machine-id": MACHINE })).bucket(FIX)).toBe(bucket);
  });
});

describe("holds", () => {
  it("are kept", async () => {
    expect(await readHolds(places.stateDir)).toEqual([]);
    await writeHolds(places.stateDir, [hold]);
    expect(await readHolds(places.stateDir)).toEqual([hold]);
  });

  it("that are damaged are an error, not forgotten", async () => {
    await writeHolds(places.stateDir, [hold]);
    await writeFile(join(places.stateDir, "holds.json"), "{}");
    await expect(readHolds(places.stateDir)).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining("holds.json is damaged"),
    });
  });
});
