import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { withRecall } from "../../../publisher/feed/recall.ts";
import { type BuildId, updateId } from "../../../shared/brand.ts";
import { fromUtf8, utf8 } from "../../../shared/bytes.ts";
import { decodeBundle, encodeBundle } from "../../../shared/feed/bundle.ts";
import { decodeManifest, encodeManifest } from "../../../shared/feed/manifest.ts";
import { DAY, type Instant, instant, systemClock } from "../../../shared/time.ts";
import { decodeTargets, parseEnvelope } from "../../../shared/tuf/schema.ts";
import { manifestOf, someBuildId, updateOf } from "../../support/edge/repository.ts";
import { cli, jsonOf, mustCli, type Person } from "./cli.ts";
import { FEED, type ServedEdge, serveEdge } from "./served_edge.ts";

const OLD = "6.1.0-12-amd64";
const NEW = "6.1.0-13-amd64";
const MODULE = utf8("\u007fELF a module");

let work: string;
let dir: string;
let served: ServedEdge;
let late = 0;
const clock = (): Instant => instant(systemClock() + late);
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "rebootless-recall-"));
  dir = join(work, "feed");
  await mustCli(["init", dir, ...FEED]);
  served = await serveEdge(dir, clock);
});
afterAll(async () => {
  await served.close();
  await rm(work, { recursive: true });
});
beforeEach(() => {
  late = 0;
});

interface Said {
  readonly looked_at: number;
  readonly having: number;
  readonly already: number;
  readonly published: number;
  readonly unread: readonly { readonly build_id: string }[];
}

/** Publishes updates of these names for kernels that are new. */
async function publish(
  name: string,
  kernels: readonly BuildId[],
  release: string,
  ...updates: readonly string[]
) {
  const folder = join(work, `${name}-${release}`);
  await mkdir(folder);
  const made = await Promise.all(updates.map((update) => updateOf(update, MODULE)));
  for (const id of kernels) {
    const draft = manifestOf(id, made);
    await writeFile(
      join(folder, `${id}.json`),
      encodeManifest({ ...draft, kernel: { ...draft.kernel, release } }),
    );
  }
  await writeFile(join(work, "module.ko"), MODULE);
  await mustCli(["push", dir, folder, "--module", join(work, "module.ko"), "--feed", served.url], { clock });
}
const someIds = (count: number) => Array.from({ length: count }, someBuildId);
const run = (command: string, id: string, args: readonly string[], person: Person = {}, feed = served.url) =>
  cli([command, dir, id, "--feed", feed, ...args], { clock, ...person });
const recall = (id: string, ...args: readonly string[]) =>
  run("recall", id, ["--reason", "it oopses", ...args]);
const stateOf = async (id: BuildId) => {
  const { manifest, targets } = await served.edge().publisher.feed(id);
  const { version, expires } = decodeTargets(parseEnvelope(targets, "targets").signed);
  const { updates } = decodeManifest(manifest);
  const recalled = Object.fromEntries(updates.map((update) => [update.id, update.recalled]));
  return { text: fromUtf8(manifest), version, expires, recalled };
};

describe("recalling an update", () => {
  it("reaches every kernel that has it over all pages of the feed's list, and changes nothing else", async () => {
    const [having, without] = [someIds(150), someIds(70)];
    await publish("bad", having.slice(0, 100), NEW, "good", "bad", "other");
    await publish("bad", having.slice(100), OLD, "bad");
    await publish("bad-not", without, OLD, "good");
    const before = new Map(await Promise.all(having.map(async (id) => [id, await stateOf(id)] as const)));
    const first = await run("recall", "bad", ["--reason", "it oopses", "--json"]);
    expect([first.code, jsonOf<Said>(first)]).toMatchObject([
      0,
      { looked_at: 220, having: 150, already: 0, published: 150, unread: [] },
    ]);
    for (const [id, { text, version, expires }] of before) {
      const now = await stateOf(id);
      expect(now.recalled["bad"]).toBe("it oopses");
      const word = '"recalled":null';
      const at = text.indexOf(word, text.indexOf('"id":"bad"'));
      expect(now.text).toBe(`${text.slice(0, at)}"recalled":"it oopses"${text.slice(at + word.length)}`);
      expect([now.version, now.expires]).toEqual([version + 1, expires]);
    }
    for (const id of without) expect((await stateOf(id)).version).toBe(1);

    const again = await run("recall", "bad", ["--reason", "it oopses"], { says: false });
    expect([again.code, again.asked]).toEqual([0, []]);
    expect(again.stdout).toBe(
      "nothing to publish: bad is recalled for this reason for all 150 kernels that have it\n",
    );
    const back = await run("unrecall", "bad", ["--json"]);
    expect([back.code, jsonOf<Said>(back).published]).toEqual([0, 150]);
    for (const [id, { text }] of before) expect((await stateOf(id)).text).toBe(text);
    expect((await run("unrecall", "bad", [])).stdout).toMatch(/^nothing to publish: bad is not recalled/);
  });

  it("shows the update, the reason and the kernels by release, and a no signs nothing", async () => {
    const ids = someIds(3);
    await publish("shown", ids.slice(0, 2), NEW, "shown");
    await publish("shown", ids.slice(2), OLD, "shown");
    const no = await run("recall", "shown", ["--reason", "it oopses"], { says: false });
    expect([no.code, no.asked]).toEqual([7, ["Sign this?"]]);
    const lines = no.shown.join("\n");
    expect(lines).toMatch(
      /update {5}shown: Fixes what shown names\nrecalled {3}it oopses\nkernels {4}3 of \d+ /,
    );
    expect(lines).toMatch(/ 1 {2}6\.1\.0-12-amd64\n +2 {2}6\.1\.0-13-amd64/);
    for (const id of ids) expect((await stateOf(id)).version).toBe(1);
  });

  it("may be for some kernels alone", async () => {
    const [one, other, third] = someIds(3) as [BuildId, BuildId, BuildId];
    await publish("some", [one, other], NEW, "some");
    await publish("some", [third], OLD, "some");
    expect((await recall("some", "--release", "*-12-*")).code).toBe(0);
    expect((await recall("some", "--kernel", one)).code).toBe(0);
    const words = await Promise.all(
      [one, other, third].map(async (id) => (await stateOf(id)).recalled["some"]),
    );
    expect(words).toEqual(["it oopses", null, "it oopses"]);
    const reason = await run("recall", "some", ["--reason", "it leaks", "--json"]);
    expect(jsonOf<Said>(reason)).toMatchObject({ having: 3, published: 3 });
  });

  it("shows in a dry run what would change and writes nothing", async () => {
    const [id] = someIds(1) as [BuildId];
    await publish("tried", [id], NEW, "tried");
    const tried = await recall("tried", "--dry-run", "--json");
    expect([tried.code, jsonOf(tried)]).toMatchObject([
      0,
      { acceptable: 1, results: [{ changes: expect.arrayContaining(["      recalled: no -> it oopses"]) }] },
    ]);
    expect((await stateOf(id)).version).toBe(1);
  });

  it("loses nothing of a push at the same time", async () => {
    const ids = someIds(12);
    await publish("raced", ids, NEW, "raced");
    const [recalled] = await Promise.all([recall("raced"), publish("raced-too", ids, NEW, "raced-too")]);
    expect(recalled.code).toBe(0);
    for (const id of ids) {
      expect((await stateOf(id)).recalled).toEqual({ raced: "it oopses", "raced-too": null });
    }
  });

  it("brings targets back that have expired, as hosts would not learn of it otherwise", async () => {
    const [id] = someIds(1) as [BuildId];
    await publish("late", [id], NEW, "late");
    late = 200 * DAY;
    expect((await recall("late")).code).toBe(0);
    expect((await stateOf(id)).expires).toBeGreaterThan(clock() + 100 * DAY);
  });

  it("is written as requests where others hold the keys", async () => {
    const ids = someIds(2);
    await publish("asked", ids, NEW, "asked");
    const requests = join(work, "requests");
    expect((await recall("asked", "--request", requests)).code).toBe(0);
    const files = (await readdir(requests)).map((name) => join(requests, name));
    expect((await readdir(requests)).sort()).toEqual(ids.map((id) => `${id}.request.json`).sort());
    for (const file of files) {
      for (const n of [1, 2]) {
        await mustCli(["sign", file, "--key", join(dir, "keys", `targets-${n}.json`), "--yes"]);
      }
      await mustCli(["push", dir, "--signed", file, "--feed", served.url]);
    }
    for (const id of ids) expect((await stateOf(id)).recalled).toEqual({ asked: "it oopses" });
  });

  it.each([
    [
      "an update that no kernel has",
      "nobody-has-this",
      "it oopses",
      /none of \d+ kernels has an update nobody/,
    ],
    ["a name that is none", "../x", "it oopses", /an update id/],
    ["no reason", "bad", "", /not a reason/],
    ["a reason of two lines", "bad", "it\noopses", /not a reason/],
    ["a reason that moves the cursor", "bad", "it \u001b[2J oopses", /not a reason/],
    ["a reason that reorders text", "bad", "it \u202e oopses", /not a reason/],
    ["a reason without end", "bad", "x".repeat(501), /not a reason/],
  ])("of %s is a usage error", async (_, id, reason, words) => {
    const outcome = await run("recall", id, ["--reason", reason]);
    expect([outcome.code, outcome.stderr]).toEqual([2, expect.stringMatching(words)]);
  });
});

/** An edge that lies: it leaves a kernel out of its list, and shows another one as somebody changed it. */
async function lyingEdge(hidden: BuildId, changed: BuildId) {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { authorization = "" } = request.headers;
    const answer = await served.edge().send(request.method ?? "GET", request.url ?? "/", {
      headers: { authorization },
      ...(chunks.length > 0 && { body: new Uint8Array(Buffer.concat(chunks)) }),
    });
    let bytes = answer.bytes;
    if (request.url?.startsWith("/kernels/changes") === true) {
      const list = JSON.parse(fromUtf8(bytes)) as { kernels: { build_id: string }[] };
      const kernels = list.kernels.filter(({ build_id: id }) => id !== hidden);
      bytes = utf8(JSON.stringify({ ...list, kernels }));
    } else if (request.url === `/kernels/${changed}/feed.json`) {
      const bundle = decodeBundle(bytes);
      const manifest = utf8(fromUtf8(bundle.manifest).replace('"bad-2"', '"bad-3"'));
      bytes = encodeBundle({ ...bundle, manifest });
    }
    response.writeHead(answer.status).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => void server.close() };
}

describe("an edge that hides an update from its recall", () => {
  it("is found out where it shows another file, the others are recalled, and what it leaves out is named", async () => {
    const [seen, hidden, changed] = someIds(3) as [BuildId, BuildId, BuildId];
    await publish("hidden", [seen, hidden, changed], NEW, "bad-2");
    const edge = await lyingEdge(hidden, changed);
    const args = ["--reason", "it oopses", "--json"];
    const outcome = await run("recall", "bad-2", args, {}, edge.url);
    expect([outcome.code, jsonOf<Said>(outcome)]).toMatchObject([
      4,
      { having: 1, published: 1, unread: [{ build_id: changed }] },
    ]);
    expect(outcome.stderr).toContain(`could not read ${changed}`);
    expect((await stateOf(seen)).recalled).toEqual({ "bad-2": "it oopses" });
    expect((await stateOf(hidden)).recalled).toEqual({ "bad-2": null });
    const named = await run("recall", "bad-2", [...args, "--kernel", hidden], {}, edge.url);
    edge.close();
    expect([named.code, (await stateOf(hidden)).recalled]).toEqual([0, { "bad-2": "it oopses" }]);
  });
});

describe("the word on an update", () => {
  it("leaves what a newer program wrote in the manifest", async () => {
    const manifest = fromUtf8(encodeManifest(manifestOf(someBuildId(), [await updateOf("bad", MODULE)])));
    const newer = manifest
      .replace('"summary"', '"severity":{"cvss":"9.8"},"summary"')
      .replace("{", '{"notes":[1],');
    const id = updateId("bad");
    const recalled = fromUtf8(withRecall(utf8(newer), { id, reason: "why" }));
    expect(recalled).toBe(newer.replace('"recalled":null', '"recalled":"why"'));
    expect(fromUtf8(withRecall(utf8(recalled), { id, reason: null }))).toBe(newer);
    const other = utf8(newer.replace(",", " , "));
    expect(withRecall(other, { id: updateId("other"), reason: "why" })).toBe(other);
  });
});

describe("the help of recall and unrecall", () => {
  it.each(["recall", "unrecall"])("of %s ends well", async (command) => {
    const outcome = await cli([command, "--help"]);
    expect([outcome.code, outcome.stdout]).toEqual([
      0,
      expect.stringContaining(`${command} [options] <dir> <id>`),
    ]);
  });
});
