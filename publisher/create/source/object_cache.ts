import { createHash } from "node:crypto";
import { readdir, readFile, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "../../../node/files.ts";
import { MAX_CANDIDATES } from "./affected.ts";

/**
 * The most objects that are kept: those of the farthest reaching header that is taken, before and after a patch, and
 * half as many more. At 150 KB each, they take 2 GB.
 */
const MAX_OBJECTS = 3 * MAX_CANDIDATES;
/** The number of objects that are written between two looks at how many there are. */
const BETWEEN_LOOKS = 256;

/** A compiled unit. */
export interface CompiledUnit {
  readonly bytes: Uint8Array;
  /** The exports of the unit as genksyms found them, with `symbol crc` on each line. */
  readonly versions: string;
}

/** A cache of compiled units, by what they were made of. A damaged unit is compiled again. */
export interface ObjectCache {
  read(key: string): Promise<CompiledUnit | undefined>;
  write(key: string, unit: CompiledUnit): Promise<void>;
}

export const objectKey = (parts: readonly string[]): string =>
  createHash("sha256").update(JSON.stringify(parts)).digest("hex");

export function objectCache(cache: string): ObjectCache {
  const folder = join(cache, "objects");
  const file = (key: string): string => join(folder, `${key}.o`);
  let written = 0;
  return {
    async read(key) {
      const stored = await readFile(file(key)).catch(() => undefined);
      const unit = stored && unpack(stored);
      if (unit !== undefined) await utimes(file(key), new Date(), new Date());
      return unit;
    },
    async write(key, unit) {
      writeWhole(file(key), pack(unit)); // its digest is checked when it is read
      if (written % BETWEEN_LOOKS === 0) await prune(folder);
      written += 1;
    },
  };
}

const DIGEST = 32;
const digest = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/**
 * Encodes a unit: the SHA-256 of the rest, the length of the versions (u32, little-endian), the versions, the
 * object.
 */
function pack({ bytes, versions }: CompiledUnit): Buffer {
  const text = Buffer.from(versions, "latin1");
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const rest = Buffer.concat([length, text, bytes]);
  return Buffer.concat([digest(rest), rest]);
}

function unpack(stored: Buffer): CompiledUnit | undefined {
  const rest = stored.subarray(DIGEST);
  if (rest.length < 4 || !digest(rest).equals(stored.subarray(0, DIGEST))) return undefined;
  const end = 4 + rest.readUInt32LE(0);
  return { versions: rest.toString("latin1", 4, end), bytes: new Uint8Array(rest.subarray(end)) };
}

/**
 * Removes the objects that were not used for the longest time once there are too many, down to three quarters
 * of the limit, so that it rarely has to be done.
 */
async function prune(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (names.length <= MAX_OBJECTS) return;
  const aged = await Promise.all(
    names.map(async (name) => ({ name, used: (await stat(join(folder, name))).mtimeMs })),
  );
  const old = aged.sort((a, b) => a.used - b.used).slice(0, names.length - (3 * MAX_OBJECTS) / 4);
  for (const { name } of old) await rm(join(folder, name), { force: true });
}
