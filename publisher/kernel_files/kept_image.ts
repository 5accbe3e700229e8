import { mkdir, readdir, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { sha256Of } from "../../node/crypto.ts";
import { readIfPresent, writeWhole } from "../../node/files.ts";
import { openImageInput } from "./input.ts";
import { knownDigest } from "./known_digest.ts";

/** The most images that are kept. A boot image has 8 to 15 MB. */
const MAX_IMAGES = 128;

/** The names of the packages that are compressed as a whole, so that seconds go by before their image is out. */
const IS_PACKAGE = /\.(?:deb|rpm|apk|tgz|tar(?:\.\w+)?)$/;

/**
 * Opens the kernel image at a path, like `openImageInput`, and keeps what was found in a package in a cache. Its file is
 * named by the digest of the package and its own, which tells whether it is damaged.
 */
export async function keptImage(path: string, cache: string): Promise<Uint8Array> {
  if (!IS_PACKAGE.test(path) || !(await isFile(path))) return openImageInput(path);
  const folder = join(cache, "images");
  const source = await knownDigest(path, cache);
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${source}-`)) continue;
    const file = join(folder, name);
    const image = await readIfPresent(file);
    if (image === undefined || name !== nameOf(source, image)) continue;
    await utimes(file, new Date(), new Date());
    return image;
  }
  const image = await openImageInput(path);
  writeWhole(join(folder, nameOf(source, image)), image);
  await prune(folder);
  return image;
}

const isFile = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isFile(),
    () => false,
  );

const nameOf = (source: string, image: Uint8Array): string => `${source}-${sha256Of(image)}`;

/** Removes the images that were not used for the longest time. Runs beside this one may do the same. */
async function prune(folder: string): Promise<void> {
  const files = (await readdir(folder)).map((name) => join(folder, name));
  if (files.length <= MAX_IMAGES) return;
  const aged = await Promise.all(
    files.map(async (file) => ({ file, used: (await stat(file).catch(() => undefined))?.mtimeMs ?? 0 })),
  );
  for (const { file } of aged.sort((a, b) => b.used - a.used).slice(MAX_IMAGES))
    await rm(file, { force: true });
}
