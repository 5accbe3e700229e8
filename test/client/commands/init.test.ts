import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { init } from "../../../client/commands/init.ts";
import { RunRecord } from "../../../client/run_record.ts";
import { terminal } from "../../../node/cli/terminal.ts";
import { configFile, type Places, provisionedRootFile, readConfig } from "../../../node/config/config.ts";
import { readIfPresent } from "../../../node/files.ts";
import { folderLock } from "../../../node/lock.ts";
import { buildId } from "../../../shared/brand.ts";
import { DAY, instant } from "../../../shared/time.ts";
import { type Ceremony, ceremony } from "../../support/edge/repository.ts";
import { FakeSystem } from "../../support/fake_system.ts";
import { signedRoot } from "../../support/memory_feed.ts";
import { stopBy } from "../../support/stop.ts";

const NOW = instant(Date.UTC(2036, 0, 1));
const ID = buildId("ab".repeat(20));

let places: Places;
let made: Ceremony;
let rootFile: string;
let said: string;
beforeEach(async () => {
  const dir = await mkdtemp(join(tmpdir(), "rebootless-init-"));
  places = { configDir: join(dir, "config"), stateDir: join(dir, "state"), runDir: join(dir, "run") };
  made = await ceremony(NOW);
  rootFile = join(dir, "announced.json");
  await writeFile(rootFile, made.root);
  said = "";
});
afterEach(() => rm(join(places.configDir, ".."), { recursive: true }));

const write = (text: string) => {
  said += text;
};
/** As a process would, whose end lets the lock go. */
async function run(force = false): Promise<void> {
  const lock = folderLock(places.stateDir);
  const speaker = terminal(
    { program: "rebootless", json: false, quiet: false },
    { stdout: write, stderr: write },
  );
  const context = {
    places,
    terminal: speaker,
    clock: () => NOW,
    system: new FakeSystem(),
    lock,
    stop: stopBy(),
    exitWith: () => undefined,
    record: new RunRecord(async () => undefined),
  };
  await init(context, { feed: "https://feed.example.org/k", root: rootFile, force, offline: true }).finally(
    lock.release,
  );
}

/** Another root: a second version, of the same keys. */
const announceAnother = () => writeFile(rootFile, signedRoot(made, 2, instant(NOW + 400 * DAY), made.keys));

/** What was verified for a kernel under the root before. */
async function verifiedBefore(): Promise<readonly string[]> {
  const at = (name: string) => join(places.stateDir, ID, name);
  await mkdir(at("trust"), { recursive: true });
  await mkdir(at("artifacts"));
  const files = ["trust/root.json", "trust/timestamp.json", "manifest.json", "feed.etag", "artifacts/a.ko"];
  for (const name of files) await writeFile(at(name), "x");
  return files.map(at);
}

const whichRemain = async (files: readonly string[]) => {
  const there = await Promise.all(files.map(readIfPresent));
  return files.filter((_, i) => there[i] !== undefined).map((path) => path.split(ID)[1]);
};

describe("setting a host up", () => {
  it("keeps the root byte for byte, and the feed's address", async () => {
    await run();
    expect(await readFile(provisionedRootFile(places))).toEqual(Buffer.from(made.root));
    expect(await readConfig(places)).toMatchObject({ feed: ["https://feed.example.org/k/"] });
    expect(said).toMatch(/^sha256 {3}[0-9a-f]{64}$/m);
  });

  it("may be done again with the same root, and forgets nothing", async () => {
    await run();
    const files = await verifiedBefore();
    await run();
    expect(await whichRemain(files)).toHaveLength(files.length);
  });

  it("leaves a configuration to whom it was left: a proxy's password may stand in it", async () => {
    await mkdir(places.configDir);
    await writeFile(configFile(places), 'https_proxy = "http://me:secret@proxy.example:3128"\n', {
      mode: 0o600,
    });
    await run();
    expect((await stat(configFile(places))).mode & 0o777).toBe(0o600);
    expect((await stat(provisionedRootFile(places))).mode & 0o777).toBe(0o644);
  });

  it("refuses to trust somebody else unless forced", async () => {
    await run();
    const files = await verifiedBefore();
    await announceAnother();
    await expect(run()).rejects.toMatchObject({ code: "config" });
    expect(await readFile(provisionedRootFile(places))).toEqual(Buffer.from(made.root));
    expect(await whichRemain(files)).toHaveLength(files.length);
  });

  it("trusts somebody else when forced", async () => {
    await run();
    await announceAnother();
    await run(true);
    expect(await readFile(provisionedRootFile(places))).toEqual(await readFile(rootFile));
  });

  it.each([
    ["cut short", (root: Uint8Array) => root.subarray(0, -1)],
    [
      "of too few signatures",
      () => signedRoot(made, 1, instant(NOW + DAY), made.keys, made.keys.root.slice(1)),
    ],
    ["of nothing", () => new Uint8Array()],
  ])("refuses a root %s and writes nothing", async (_, damage) => {
    await writeFile(rootFile, damage(made.root));
    await expect(run()).rejects.toMatchObject({ code: "trust" });
    expect(await readIfPresent(configFile(places))).toBeUndefined();
    expect(await readIfPresent(provisionedRootFile(places))).toBeUndefined();
  });

  it("says when there is no such file", async () => {
    await rm(rootFile);
    await expect(run()).rejects.toMatchObject({ code: "usage" });
  });
});
