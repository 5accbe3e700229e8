import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { readNamed } from "../../../node/files.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { type CveRecord, cveRecord } from "./cve_records.ts";

/** The most records. The kernel's CNA has published some 15,000. */
const MAX_RECORDS = 131_072;
/** The largest record in bytes. Those of faults in hundreds of branches have 100 KB. */
const MAX_RECORD_BYTES = 4 << 20;
const MAX_DEPTH = 6;

/**
 * Reads the CVE records of a folder and the folders in it, such as a clone of what the kernel's CNA publishes. Files of
 * other kinds are passed over.
 * @throws RebootlessError `usage` if there is no record; `limit`.
 */
export async function readCveRecords(folder: string): Promise<readonly CveRecord[]> {
  const records: CveRecord[] = [];
  let files = 0;
  const visit = async (path: string, depth: number): Promise<void> => {
    if (depth > MAX_DEPTH) throw new RebootlessError("limit", `${folder}: folders nest too deeply`);
    const entries = await readdir(path, { withFileTypes: true }).catch((cause: unknown) => {
      throw new RebootlessError("usage", `cannot read ${path}`, { cause });
    });
    for (const entry of entries) {
      if (entry.isDirectory() && !entry.name.startsWith(".")) await visit(join(path, entry.name), depth + 1);
      if (!entry.isFile() || !/^CVE-\d{4}-\d+\.json$/.test(entry.name)) continue;
      files += 1;
      if (files > MAX_RECORDS)
        throw new RebootlessError("limit", `${folder}: more than ${MAX_RECORDS} records`);
      const bytes = await readNamed(join(path, entry.name), MAX_RECORD_BYTES);
      const record = cveRecord(Buffer.from(bytes).toString("utf8"));
      if (record !== undefined) records.push(record);
    }
  };
  await visit(folder, 0);
  if (records.length > 0) return records;
  throw new RebootlessError("usage", `${folder} has no CVE record`, {
    hint: "Give a folder with files such as CVE-2026-12345.json, in CVE JSON 5.",
  });
}
