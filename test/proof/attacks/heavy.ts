import { sha256Of } from "../../../node/crypto.ts";
import { type Bundle, encodeBundle } from "../../../shared/feed/bundle.ts";
import { consistentTarget, metadataPath, targetsPath } from "../../../shared/feed/paths.ts";
import { systemClock } from "../../../shared/time.ts";
import { manifestBytes, updateOf } from "../../support/edge/repository.ts";
import { signedBundle } from "../../support/memory_feed.ts";
import { KERNEL, type Stage } from "./stage.ts";

/*
 * Documents that take far more memory than bytes: the attacks play those that took the most, and
 * `npm run bench:heavy` looks for worse ones.
 */

/** What a list is filled with: values that are cheap to write and dear to keep. */
export const PIECES: ReadonlyMap<string, string> = new Map([
  ["empty objects", "{}"],
  ["empty arrays", "[]"],
  ["numbers", "0"],
  ["large numbers", "9007199254740991"],
  ["arrays of one", "[0]"],
  ["arrays in arrays", "[[[[0]]]]"],
  ["objects of one", '{"":0}'],
  ["objects of five", '{"a":[0],"b":[0],"c":[0],"d":[0],"e":[0]}'],
  ["objects of twenty", `{${Array.from({ length: 20 }, (_, i) => `"${i}":0`).join(",")}}`],
  ["short texts", '"ab"'],
  ["texts beyond Latin-1", '"\u4e2d\u4e2d"'],
  ["escapes", '"\\u0000"'],
]);

/** A list in a document, as long as `bytes` has room for. */
export function filled(head: string, piece: string, tail: string, bytes: number): Uint8Array {
  const around = Buffer.byteLength(head + tail + piece);
  const count = Math.max(0, Math.floor((bytes - around) / Buffer.byteLength(`${piece},`)));
  return Buffer.from(`${head}${`${piece},`.repeat(count)}${piece}${tail}`);
}

/** Text of a root that nobody signed. */
export const heavyRoot = (piece: string, bytes: number): Uint8Array =>
  filled('{"signed":{"x":[', piece, ']},"signatures":[]}', bytes);

/** A kernel's manifest with a member that nobody knows. */
export function heavyManifest(piece: string, bytes: number): Uint8Array {
  const [head = "", tail = ""] = Buffer.from(manifestBytes(KERNEL, [])).toString().split('"format":1,');
  return filled(`${head}"format":1,"x":[`, piece, `],${tail}`, bytes);
}

/** A fingerprint of 230 bytes and 25 values and names, as those of real kernels have in the middle. */
const FUNCTION = JSON.stringify({
  name: "some_function",
  offset: 4096,
  size: 192,
  sha256: "ab".repeat(32),
  locator: "AAAAAAAA",
  sites: { ftrace: [4], return_thunk: [187], call: [30, 60, 90], reloc32: [12, 40] },
});

/** A manifest that is as it should be: one update, of as many functions as fit. */
export async function largeManifest(bytes: number): Promise<Uint8Array> {
  const update = await updateOf("large", new Uint8Array(1));
  const manifest = JSON.parse(Buffer.from(manifestBytes(KERNEL, [update])).toString());
  manifest.updates[0].objects[0].functions = ["functions"];
  const [head = "", tail = ""] = JSON.stringify(manifest).split('"functions"]');
  return filled(head, FUNCTION, `]${tail}`, bytes);
}

/** A feed.json that verifies, with this manifest. */
export async function signedFeed(stage: Stage, manifest: Uint8Array): Promise<Uint8Array> {
  return encodeBundle(await signedBundle(stage.made, KERNEL, systemClock(), { manifest }));
}

/** A folder with the standard files of TUF, and no feed.json; returns it. */
export async function tufFolder(
  stage: Stage,
  name: string,
  { timestamp, snapshot, targets, manifest, roots }: Bundle,
): Promise<string> {
  const metadata = `${name}/${metadataPath(KERNEL)}`;
  const target = consistentTarget(KERNEL, sha256Of(manifest));
  await stage.write(`${metadata}/timestamp.json`, timestamp);
  await stage.write(`${metadata}/1.snapshot.json`, snapshot);
  await stage.write(`${metadata}/1.targets.json`, targets);
  await stage.write(`${name}/${targetsPath(KERNEL)}/${target}`, manifest);
  for (const [i, root] of roots.entries()) await stage.write(`${metadata}/${i + 2}.root.json`, root);
  return stage.path(name);
}
