import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { mkdir, open, rename } from "node:fs/promises";
import { join } from "node:path";

/*
 * node floor.ts FOLDER KERNELS BYTES
 *
 * Does what no publish can do without: for each kernel four signatures (two of targets, snapshot, timestamp), the digest
 * of feed.json, and one file of its length that is synced under its name.
 */

const [folder = "", kernels = "0", bytes = "0"] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync("ed25519");
const document = Buffer.alloc(500, "x");
const feed = Buffer.alloc(Number(bytes), "x");

await mkdir(folder, { recursive: true });
const numbers = Array.from({ length: Number(kernels) }, (_, n) => n);
const AT_ONCE = 16;

async function one(n: number): Promise<void> {
  for (let i = 0; i < 4; i++) sign(null, document, privateKey);
  createHash("sha256").update(feed).digest();
  const path = join(folder, `${n}`);
  const file = await open(`${path}.new`, "wx");
  await file.writeFile(feed);
  await file.sync();
  await file.close();
  await rename(`${path}.new`, path);
}

await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let n = numbers.pop(); n !== undefined; n = numbers.pop()) await one(n);
  }),
);
