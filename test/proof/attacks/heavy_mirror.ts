import assert from "node:assert/strict";
import { access, readdir } from "node:fs/promises";
import { MAX_TRANSFER_BYTES, TRANSFER } from "../../../mirror/transfer.ts";
import { tarHeader } from "../../../shared/archive/tar.ts";
import { type BuildId, buildId, sha256Hex } from "../../../shared/brand.ts";
import { encodeBundle } from "../../../shared/feed/bundle.ts";
import {
  encodeIndex,
  INDEX_PATH,
  type IndexLine,
  MAX_INDEX_BYTES,
} from "../../../shared/feed/kernel_index.ts";
import { feedPath } from "../../../shared/feed/paths.ts";
import { MAX_BUNDLE_BYTES } from "../../../shared/limits.ts";
import { DAY, instant, systemClock } from "../../../shared/time.ts";
import { signedBundle } from "../../support/memory_feed.ts";
import type { Attack } from "./attack.ts";
import { filled, PIECES } from "./heavy.ts";
import { KERNEL, type Stage } from "./stage.ts";

/** V8's old generation, in MB. */
const HEAP_MB = 192;

const lineOf = (id: BuildId): IndexLine => ({
  buildId: id,
  release: "6.1.0-test",
  distribution: null,
  version: 1,
  timestamp: 1,
  expires: instant(systemClock() + 90 * DAY),
  root: 1,
  sha256: sha256Hex("ab".repeat(32)),
});

/** Eight kernels are fetched at a time. */
export const heavyUpstream: Attack = {
  name: "a mirror's feed has documents of millions of values for all kernels but one",
  async play(stage: Stage) {
    const heavy = [...PIECES.values()].map((piece, i) => ({
      id: buildId(`${(i + 16).toString(16)}`.repeat(20)),
      body: filled('{"format":1,"x":[', piece, "]}", MAX_BUNDLE_BYTES),
    }));
    heavy.push({ id: buildId("ee".repeat(20)), body: new Uint8Array(MAX_BUNDLE_BYTES + 1) });
    const honest = encodeBundle(await signedBundle(stage.made, KERNEL, systemClock()));
    const ids = [...heavy.map(({ id }) => id), KERNEL];
    const url = await stage.serving(
      new Map([
        [`/${INDEX_PATH}`, encodeIndex(new Map(ids.map((id) => [id, lineOf(id)])))],
        [`/${feedPath(KERNEL)}`, honest],
        ...heavy.map(({ id, body }) => [`/${feedPath(id)}`, body] as const),
      ]),
    );
    const root = await stage.write("root.json", stage.made.root);
    const sync = ["mirror", "sync", url, stage.path("mirror"), "--root", root, "--all"];
    const ended = await stage.rebootless(sync, { heapMb: HEAP_MB });
    assert.equal(ended.code, 4, ended.stdout + ended.stderr);
    await access(stage.path("mirror", feedPath(KERNEL)));
  },
};

export const heavyIndex: Attack = {
  name: "a mirror's feed has a list of kernels with millions of values",
  async play(stage: Stage) {
    const url = await stage.serving(
      new Map([[`/${INDEX_PATH}`, filled('{"format":1,"kernels":[', "[0]", "]}", MAX_INDEX_BYTES)]]),
    );
    const root = await stage.write("root.json", stage.made.root);
    const sync = ["mirror", "sync", url, stage.path("mirror"), "--root", root, "--all"];
    const ended = await stage.rebootless(sync, { heapMb: HEAP_MB });
    assert.equal(ended.code, 4, ended.stdout + ended.stderr);
  },
};

export const heavyTransfer: Attack = {
  name: "a transfer's list of files has millions of values",
  async play(stage: Stage) {
    const list = filled('{"format":1,"files":[', "[0]", "]}", MAX_TRANSFER_BYTES);
    const padding = new Uint8Array((512 - (list.length % 512)) % 512);
    const parts = [tarHeader(TRANSFER, list.length, 0), list, padding, new Uint8Array(1024)];
    const file = await stage.write("transfer.tar", Buffer.concat(parts));
    const { folder } = await stage.mirror("mirror");
    const before = await readdir(folder, { recursive: true });
    const ended = await stage.rebootless(["mirror", "import", file, folder], { heapMb: HEAP_MB });
    assert.equal(ended.code, 4, ended.stdout + ended.stderr);
    assert.deepEqual(await readdir(folder, { recursive: true }), before, "something was put in place");
  },
};
