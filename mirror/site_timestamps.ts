import { type BuildId, buildId } from "../shared/brand.ts";
import { Decoder } from "../shared/decode.ts";
import { encodeJson, jsonObject, parseJson } from "../shared/json.ts";
import { MAX_CHOSEN } from "./kernel_choice.ts";
import type { MirrorDir } from "./mirror_dir.ts";

/**
 * The newest version of a timestamp that the site signed, for each kernel. Hosts have seen it, and accept no
 * lower one.
 */
export type SiteTimestamps = Map<BuildId, number>;

const FILE = "site.json";
const MAX_BYTES = 32 * 1024 * 1024;
/**
 * The largest number of JSON values: a build ID and a version for each kernel, and the members around them.
 */
const MAX_VALUES = 2 * MAX_CHOSEN + 16;

/**
 * Reads the versions of the timestamps that the site signed.
 * @throws ParseError if the file is damaged. Without it hosts would get versions that they have seen already.
 */
export async function readSiteTimestamps(dir: MirrorDir): Promise<SiteTimestamps> {
  const bytes = await dir.readOwn(FILE, MAX_BYTES);
  if (!bytes) return new Map();
  const site = new Decoder(parseJson(bytes, FILE, MAX_VALUES), FILE);
  site.get("format").literal(1);
  const entries = site.get("timestamps").entries(MAX_CHOSEN);
  return new Map(entries.map(([id, version]) => [buildId(id), version.integer(1)]));
}

export const writeSiteTimestamps = (dir: MirrorDir, versions: SiteTimestamps): Promise<void> =>
  dir.writeOwn(FILE, encodeJson(jsonObject({ format: 1, timestamps: new Map(versions) })));
