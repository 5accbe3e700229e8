import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { feedPath } from "../../../shared/feed/paths.ts";
import { MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES, MAX_ROOT_BYTES } from "../../../shared/limits.ts";
import { systemClock } from "../../../shared/time.ts";
import { signedBundle } from "../../support/memory_feed.ts";
import type { Attack } from "./attack.ts";
import { filled, heavyManifest, heavyRoot, largeManifest, PIECES, signedFeed, tufFolder } from "./heavy.ts";
import { type Ended, KERNEL, type Stage } from "./stage.ts";

/** V8's old generation, in MB: what a small host has left for a program by the clock. */
const HEAP_MB = 64;
const MAX_MB = 150;

const piece = (name: string): string => PIECES.get(name) ?? assert.fail(name);

const inUnknownMember = (name: string): Uint8Array =>
  filled('{"format":1,"x":[', piece(name), "]}", MAX_BUNDLE_BYTES);

const inRoots = (name: string): Uint8Array => {
  const root = Buffer.from(heavyRoot(piece(name), MAX_ROOT_BYTES)).toString();
  return Buffer.from(JSON.stringify({ ...files(), roots: [root, root, root, root] }));
};

/** All the names that a feed.json has. */
const files = () => ({
  format: 1,
  build_id: KERNEL,
  ...Object.fromEntries(["timestamp", "snapshot", "targets", "manifest"].map((name) => [name, ""])),
});

const manifestOf = (text: string) => Buffer.from(JSON.stringify({ ...files(), roots: [], manifest: text }));

const heavyFeeds = (): ReadonlyMap<string, Uint8Array> =>
  new Map([
    ["objects", inUnknownMember("empty objects")],
    ["arrays", inUnknownMember("arrays of one")],
    ["roots", inRoots("short texts")],
    ["text", manifestOf(`\u4e2d${'"'.repeat(2_900_000)}`)],
  ]);

function inBounds({ peakMb = Number.NaN }: Ended, what: string): void {
  assert.ok(peakMb < MAX_MB, `${what}: the host held ${peakMb} MB`);
}

/** 32 KB on the wire, whoever sends them: nothing in them is signed. */
export const heavyFeed: Attack = {
  name: "a feed sends a small file that unpacks to a document of millions of values, to a host with little memory",
  async play(stage: Stage) {
    const feeds = heavyFeeds();
    const url = await stage.serving(
      new Map([...feeds].map(([name, body]) => [`/${name}/${feedPath(KERNEL)}`, body])),
    );
    for (const name of feeds.keys()) {
      const host = await stage.host(name, `feed = ["${url}${name}/"]\n`);
      const ended = await stage.rebootless([...host, "check"], { heapMb: HEAP_MB });
      assert.equal(ended.code, 4, `${name}: ${ended.stdout}${ended.stderr}`);
      inBounds(ended, name);
      const status = JSON.parse(await readFile(stage.path(name, "run/status.json"), "utf8"));
      assert.equal(status.run.exit_code, 4, name);
    }
  },
};

export const heavyFeedFirst: Attack = {
  name: "a feed of millions of values stands before an honest one, so that the honest one is never asked",
  async play(stage: Stage) {
    const honest = await stage.feedFolder("honest");
    const feeds = heavyFeeds();
    const url = await stage.serving(
      new Map([...feeds].map(([name, body]) => [`/${name}/${feedPath(KERNEL)}`, body])),
    );
    // A stick: as a feed.json its manifest takes six times the room.
    const manifest = new Uint8Array(MAX_MANIFEST_BYTES).fill(1);
    const bundle = await signedBundle(stage.made, KERNEL, systemClock(), { manifest });
    const roots = Array(255).fill(heavyRoot("0", MAX_ROOT_BYTES));
    const stick = await tufFolder(stage, "stick", { ...bundle, roots });
    const all = [...[...feeds.keys()].map((name) => `${url}${name}/`), stick, honest];
    const host = await stage.host("host", `feed = ${JSON.stringify(all)}\n`);
    const ended = await stage.rebootless([...host, "check"], { heapMb: HEAP_MB });
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    for (const name of [...feeds.keys(), "stick"])
      assert.match(ended.stderr, new RegExp(`warning: .*${name}`));
    inBounds(ended, "all feeds, one after the other");
    const status = JSON.parse(await readFile(stage.path("host/run/status.json"), "utf8"));
    assert.equal(status.run.exit_code, 0);
    assert.match(status.feed.url, /honest/);
  },
};

/** A publisher's own mistake, or a threshold of stolen keys: it verifies, and is as large as a feed may be. */
export const heavySigned: Attack = {
  name: "a manifest that is signed has as many values as fit",
  async play(stage: Stage) {
    const manifests = new Map([
      ["functions", await largeManifest(MAX_MANIFEST_BYTES)],
      ...["short texts", "objects of one"].map(
        (name) => [name.replace(/ .*/, ""), heavyManifest(piece(name), MAX_MANIFEST_BYTES)] as const,
      ),
    ]);
    const answers = new Map<string, Uint8Array>();
    for (const [name, manifest] of manifests) {
      answers.set(`/${name}/${feedPath(KERNEL)}`, await signedFeed(stage, manifest));
    }
    const url = await stage.serving(answers);
    for (const name of manifests.keys()) {
      const host = await stage.host(name, `feed = ["${url}${name}/"]\n`);
      const ended = await stage.rebootless([...host, "check"]);
      assert.equal(ended.code, name === "functions" ? 0 : 4, `${name}: ${ended.stdout}${ended.stderr}`);
      inBounds(ended, name);
    }
  },
};
