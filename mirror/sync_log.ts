import type { JsonObject } from "../shared/json.ts";
import { printableJson } from "../shared/printable.ts";
import type { MirrorDir } from "./mirror_dir.ts";

const LOG = "log.jsonl";
/** The largest number of lines. It is enough for a sync a day for more than two years. */
const MAX_LINES = 1000;
const MAX_LOG_BYTES = 64 * 1024 * 1024;

/** Adds a line, and drops the oldest lines if there are too many. */
export async function writeLog(dir: MirrorDir, entry: JsonObject): Promise<void> {
  const before = await dir.readOwn(LOG, MAX_LOG_BYTES);
  const lines = before ? Buffer.from(before).toString().split("\n").filter(Boolean) : [];
  lines.push(printableJson(entry));
  await dir.writeOwn(LOG, `${lines.slice(-MAX_LINES).join("\n")}\n`);
}
