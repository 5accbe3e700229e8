import { encodeBundle } from "../../shared/feed/bundle.ts";
import { systemClock } from "../../shared/time.ts";
import { manifestBytes } from "../edge/support/repository.ts";
import { signedBundle } from "../support/memory_feed.ts";
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

/** A feed.json that verifies, with such a manifest. */
export async function signedHeavy(stage: Stage, piece: string, bytes: number): Promise<Uint8Array> {
  const manifest = heavyManifest(piece, bytes);
  return encodeBundle(await signedBundle(stage.made, KERNEL, systemClock(), { manifest }));
}
