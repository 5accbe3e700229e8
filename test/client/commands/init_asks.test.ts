import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { configFile, provisionedRootFile } from "../../../node/config/config.ts";
import { keyFromSeed } from "../../../publisher/keys/key_file.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { DAY, instant } from "../../../shared/time.ts";
import { sampleUpdate } from "../../shared/feed/sample.ts";
import { ceremony } from "../../support/edge/repository.ts";
import { signedRoot } from "../../support/memory_feed.ts";
import { ID, RELEASE, SmallHost } from "./small_host.ts";

let host: SmallHost;
let root: string;
let asked: string[];
beforeEach(async () => {
  host = await SmallHost.make();
  root = join(host.dir, "announced.json");
  await rename(provisionedRootFile(host.places), root);
  asked = [];
});
afterEach(() => host.remove());

const init = (feed: string, ...more: readonly string[]) =>
  host.run("init", "--feed", feed, "--root", root, ...more);
/** Serves these files, and `missing` for every other path. */
const serve = (files: Readonly<Record<string, Uint8Array>>, missing = "") =>
  host.serve((request, response) => {
    const path = request.url ?? "";
    asked.push(path);
    const bytes = files[path];
    response.writeHead(bytes ? 200 : 404).end(bytes ?? missing);
  });
const feedOf = async (...updates: readonly Update[]) =>
  serve({ [`/kernels/${ID}/feed.json`]: await host.feedJson(...updates) });
const rootBytes = async () => new Uint8Array(await readFile(root));
/** Well signed, by other keys. */
async function anotherRoot(): Promise<Uint8Array> {
  const made = await ceremony(host.now);
  const key = (n: number) => keyFromSeed(new Uint8Array(32).fill(n));
  const keys = { ...made.keys, root: [await key(33), await key(34)], timestamp: [await key(35)] };
  return signedRoot(made, 1, instant(host.now + 400 * DAY), keys, keys.root);
}
const NO_FEED = "Nothing was set up. --offline sets the host up without contacting the feed.\n";

async function expectNothingSetUp(): Promise<void> {
  expect(await readdir(host.places.configDir)).toEqual([]);
  expect(await readdir(host.places.stateDir)).toEqual(["lock"]);
  expect(await readdir(host.places.runDir)).toEqual([]);
}

describe("setting a host up asks the feed", () => {
  it("once, and says what there is for this kernel", async () => {
    const url = await feedOf(sampleUpdate("fix-1"), sampleUpdate("fix-2"));
    const { code, stdout, stderr } = await init(url);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("\nasked    2 updates for this kernel, verified until 2036-08-30T00:00:00Z\n");
    expect(asked).toEqual([`/kernels/${ID}/feed.json`]);
    expect(await readFile(configFile(host.places), "utf8")).toBe(`feed = "${url}"\n`);
    expect(await readFile(provisionedRootFile(host.places))).toEqual(await readFile(root));
    const { stdout: json } = await init(url, "--json");
    expect(JSON.parse(json)).toMatchObject({
      command: "init",
      feed: url,
      asked: true,
      covered: true,
      updates: 2,
    });
    expect(JSON.parse((await host.run("check", "--json")).stdout)).toMatchObject({ changed: true });
  });

  it("not with --offline", async () => {
    const url = await feedOf();
    const { code, stdout } = await init(url, "--offline", "--json");
    expect([code, asked]).toEqual([0, []]);
    expect(JSON.parse(stdout)).toMatchObject({ asked: false });
    expect(JSON.parse(stdout)).not.toHaveProperty("covered");
  });

  it.each([
    [
      "does not answer",
      async () => "http://127.0.0.1:9/",
      3,
      "did not answer",
      "Check the address and the network.",
    ],
    ["is a folder without a feed", async () => host.dir, 3, "has no feed in it", "Check the address and"],
    [
      "is some web server",
      async () => serve({}, "<html>"),
      3,
      "it does not appear to be a feed",
      "Check the ",
    ],
    [
      "answers with a page",
      async () => serve({ [`/kernels/${ID}/feed.json`]: new Uint8Array(Buffer.from("<html>")) }),
      4,
      "sent something that is not a feed",
      "do not belong together.",
    ],
  ])("and sets nothing up where it %s", async (_, feed, exit, error, hint) => {
    const { code, stdout, stderr } = await init(await feed());
    expect([code, stdout]).toEqual([exit, ""]);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toContain(error);
    expect(stderr).toContain(hint);
    expect(stderr.endsWith(NO_FEED)).toBe(true);
    await expectNothingSetUp();
  });

  it("and sets nothing up where the root of trust is another feed's", async () => {
    await writeFile(root, await anotherRoot());
    const { code, stderr } = await init(await feedOf(sampleUpdate("fix-1")));
    expect([code, stderr]).toEqual([
      4,
      expect.stringContaining("Compare both with the publisher's. Nothing was set up"),
    ]);
    await expectNothingSetUp();
  });

  it("and tells that it has nothing for this kernel, which is no failure", async () => {
    const url = await serve({ "/root/1.root.json": await rootBytes() });
    const { code, stdout, stderr } = await init(url);
    expect([code, stdout]).toEqual([0, expect.stringContaining("\nasked    nothing for this kernel yet\n")]);
    expect(stderr).toContain(`warning: ${url} has nothing for kernel ${RELEASE}, build ID ${ID}\nhint: `);
    expect(JSON.parse((await init(url, "--json")).stdout)).toMatchObject({ asked: true, covered: false });
  });

  it("and knows a feed that has nothing for this kernel by its root, or by how it answers", async () => {
    const other = await serve({ "/root/1.root.json": await anotherRoot() });
    expect(await init(other)).toMatchObject({
      code: 4,
      stderr: expect.stringContaining(
        `error: ${other} has a different root of trust than the one that was given\n`,
      ),
    });
    await expectNothingSetUp();
    expect((await init(await serve({}, '{"error":{"code":"not_covered"}}'))).code).toBe(0);
  });

  it("and leaves what was set up before as it was where it fails, whatever is forced", async () => {
    const url = await feedOf(sampleUpdate("fix-1"));
    await init(url);
    await host.run("check");
    const before = await readFile(root);
    await writeFile(root, await anotherRoot());
    expect((await init(url, "--force")).code).toBe(4);
    expect(await readFile(provisionedRootFile(host.places))).toEqual(before);
    expect(await host.run("check", "--offline")).toMatchObject({ code: 0, stderr: "" });
  });
});
