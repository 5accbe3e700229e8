import { readdir } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { readNamed } from "../../../node/files.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { fixOf, MAX_SERIES_BYTES } from "../../create/series/fix.ts";
import { MAX_PATCH_BYTES } from "../../create/source/patch_file.ts";
import type { FixFile, FoundFix } from "../found_fixes.ts";

/** The most entries of a folder that are looked at. */
const MAX_ENTRIES = 16_384;
const PATCH = /\.(?:patch|diff)$/;
const SERIES_FILE = /^(?:series|[^.].*\.(?:patch|diff|mbox))$/;
const FILE_NAME = /^[\w+-][\w.+~-]{0,199}$/;

/**
 * Reads the fixes that lie in a folder: a file (.patch, .diff) is one fix; a file of mails (.mbox) or a folder of patches is one
 * series. Names that begin with a dot are passed over, so that a file can be written under such a name and then renamed.
 * @throws RebootlessError `usage`, `limit`.
 */
export async function droppedPatches(folder: string): Promise<readonly FoundFix[]> {
  const path = resolve(folder);
  const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
    throw new RebootlessError("usage", `cannot read ${folder}`, { cause });
  });
  if (entries.length > MAX_ENTRIES)
    throw new RebootlessError("limit", `${folder} has more than ${MAX_ENTRIES} entries`);
  const found: FoundFix[] = [];
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!FILE_NAME.test(entry.name)) continue;
    const place = join(path, entry.name);
    if (entry.isFile() && PATCH.test(entry.name)) found.push(await onePatch(place));
    else if (entry.isFile() && entry.name.endsWith(".mbox")) found.push(await oneSeries(place, [place]));
    else if (entry.isDirectory()) {
      const names = (await readdir(place)).filter((name) => SERIES_FILE.test(name) && FILE_NAME.test(name));
      if (names.length > MAX_ENTRIES)
        throw new RebootlessError("limit", `${place} has more than ${MAX_ENTRIES} entries`);
      if (names.length > 0)
        found.push(
          await oneSeries(
            place,
            names.sort().map((name) => join(place, name)),
          ),
        );
    }
  }
  return found;
}

async function onePatch(place: string): Promise<FoundFix> {
  const bytes = await readNamed(place, MAX_PATCH_BYTES);
  const name = basename(place).replace(PATCH, "");
  const { subject, cves } = fixOf({ name, text: Buffer.from(bytes).toString("latin1") });
  const files = [{ name: basename(place), bytes }];
  return { origin: `patches:${place}`, name, kind: "patch", subject, cves, files };
}

async function oneSeries(place: string, paths: readonly string[]): Promise<FoundFix> {
  const files: FixFile[] = [];
  let bytes = 0;
  for (const path of paths) {
    const content = await readNamed(path, MAX_PATCH_BYTES);
    bytes += content.length;
    if (bytes > MAX_SERIES_BYTES)
      throw new RebootlessError("limit", `${place} has more than ${MAX_SERIES_BYTES} bytes`);
    files.push({ name: basename(path), bytes: content });
  }
  const name = basename(place).replace(/\.mbox$/, "");
  const subject = `the fixes of ${name} that can be live`;
  return { origin: `patches:${place}`, name, kind: "series", subject, cves: [], files };
}
