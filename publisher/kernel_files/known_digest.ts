import { realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { sha256Of, sha256OfFile } from "../../node/crypto.ts";
import { readIfPresent, writeWhole } from "../../node/files.ts";
import type { Sha256Hex } from "../../shared/brand.ts";
import { fromUtf8, utf8 } from "../../shared/bytes.ts";

/**
 * The age, in nanoseconds, at which a file's last change is told apart from a next one. Linux gives a change the time of
 * the last tick, which is at most 10 ms old; other file systems go by whole seconds, or two (FAT).
 */
const SETTLED_NS = 3_000_000_000n;

/**
 * Returns the digest of a file. It is kept in a cache, one small file for each path, for as long as the file has the same
 * inode, size and times: the time of the last change of an inode cannot be set by a program.
 */
export async function knownDigest(path: string, cache: string): Promise<Sha256Hex> {
  const kept = join(cache, "digests", sha256Of(utf8(await realpath(path))));
  const { text, isSettled } = await stateOf(path);
  const [, before, known] = /^(.*) ([0-9a-f]{64})\n$/.exec(await textOf(kept)) ?? [];
  if (known !== undefined && before === text) return known as Sha256Hex;
  const digest = await sha256OfFile(path);
  if (isSettled && (await stateOf(path)).text === text) writeWhole(kept, `${text} ${digest}\n`);
  return digest;
}

/** Returns what changes with a file, and whether its last change is so long ago that a next one would show. */
async function stateOf(path: string): Promise<{ readonly text: string; readonly isSettled: boolean }> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
  const isSettled = BigInt(Date.now()) * 1_000_000n - ctimeNs > SETTLED_NS;
  return { text: [dev, ino, size, mtimeNs, ctimeNs].join(" "), isSettled };
}

async function textOf(path: string): Promise<string> {
  const bytes = await readIfPresent(path);
  return bytes === undefined ? "" : fromUtf8(bytes);
}
