import type { BuildId, UpdateId } from "../../shared/brand.ts";
import { fromUtf8 } from "../../shared/bytes.ts";
import { type KernelFacts, kernelFactsToJson } from "../../shared/feed/kernel.ts";
import { encodeJson } from "../../shared/json.ts";
import { MAX_CHANGES } from "./catalogue.ts";
import { changeBetween } from "./change.ts";
import { cveSortKey, goneOf } from "./cursors.ts";
import { isLive, type KernelEntry, namesOf, type UpdateEntry } from "./entry.ts";
import { versionOf } from "./query.ts";
import { wordsIn } from "./sql_rows.ts";
import { FORM, type Row, type Sql } from "./sql_tables.ts";

/** Records a kernel's state, unless it or a newer one is recorded. Rows that did not change are not written again. */
export function record(sql: Sql, entry: KernelEntry): void {
  const { buildId } = entry.kernel;
  const [known] = sql("SELECT targets, form FROM kernels WHERE build_id = ?", buildId);
  const version = Number(known?.["targets"] ?? 0);
  const isMadeAgain = version === entry.version && Number(known?.["form"]) !== FORM;
  if (version >= entry.version && !isMadeAgain) return;
  const before = sql(
    "SELECT number, release, published, id, recalled FROM holdings JOIN update_groups USING (number) WHERE build_id = ?",
    buildId,
  );
  recordHoldings(sql, entry, before);
  if (!isMadeAgain) recordChange(sql, entry, before);
  recordKernel(sql, entry);
}

function recordHoldings(sql: Sql, { kernel, updates }: KernelEntry, before: readonly Row[]): void {
  const { buildId, release } = kernel;
  const held = new Map(updates.map((update) => [groupOf(sql, update), update.published]));
  const kept = new Set<number>();
  const left: number[] = [];
  for (const row of before) {
    const number = Number(row["number"]);
    if (row["release"] === release && held.get(number) === row["published"]) {
      kept.add(number);
      continue;
    }
    left.push(number);
    const was = String(row["release"]);
    sql("DELETE FROM holdings WHERE number = ? AND release = ? AND build_id = ?", number, was, buildId);
  }
  for (const [number, published] of held) {
    if (!kept.has(number))
      sql("INSERT INTO holdings VALUES (?, ?, ?, ?)", number, release, buildId, published);
  }
  for (const number of left) dropIfEmpty(sql, number);
}

/** Returns the number of the group with this description, which is created if it is new. */
function groupOf(sql: Sql, update: UpdateEntry): number {
  const { id, summary, recalled } = update;
  const cves = update.cves.join(" ");
  const [known] = sql(
    "SELECT number FROM update_groups WHERE id = ? AND summary = ? AND cves = ? AND recalled IS ?",
    id,
    summary,
    cves,
    recalled,
  );
  if (known) return Number(known["number"]);
  const gone = goneOf(update);
  const [made] = sql(
    "INSERT INTO update_groups (id, gone, summary, cves, recalled, names) VALUES (?, ?, ?, ?, ?, ?) RETURNING number",
    id,
    gone,
    summary,
    cves,
    recalled,
    namesOf(update),
  );
  const number = Number(made?.["number"]);
  for (const cve of new Set(update.cves))
    sql("INSERT INTO fixes VALUES (?, ?, ?, ?)", cveSortKey(cve), id, gone, number);
  return number;
}

function dropIfEmpty(sql: Sql, number: number): void {
  if (sql("SELECT 1 FROM holdings WHERE number = ? LIMIT 1", number).length > 0) return;
  const [group] = sql("SELECT id, gone, cves FROM update_groups WHERE number = ?", number);
  if (!group) return;
  const { id = null, gone = null } = group;
  for (const cve of wordsIn(group, "cves")) {
    sql(
      "DELETE FROM fixes WHERE place = ? AND id = ? AND gone = ? AND number = ?",
      cveSortKey(cve),
      id,
      gone,
      number,
    );
  }
  sql("DELETE FROM update_groups WHERE number = ?", number);
}

function recordChange(sql: Sql, entry: KernelEntry, before: readonly Row[]): void {
  const updates = before.map((row) => ({
    id: row["id"] as UpdateId,
    recalled: row["recalled"] as string | null,
  }));
  const { added, recalled } = changeBetween(0, entry, { updates });
  const { kernel, version, recorded } = entry;
  sql(
    "INSERT INTO changes (at, facts, targets, added, recalled) VALUES (?, ?, ?, ?, ?)",
    recorded,
    factsText(kernel),
    version,
    added.join(" "),
    recalled.join(" "),
  );
  sql("INSERT OR REPLACE INTO last_changes SELECT MAX(number), ? FROM changes", kernel.buildId);
  sql("DELETE FROM changes WHERE number <= (SELECT MAX(number) FROM changes) - ?", MAX_CHANGES);
}

function recordKernel(sql: Sql, { kernel, version, recorded, updates }: KernelEntry): void {
  const names = [kernel.release, kernel.distribution ?? "", versionOf(kernel)].join("\n").toLowerCase();
  sql(
    `INSERT OR REPLACE INTO kernels (build_id, release, version, names, facts, targets, recorded, live, form)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    kernel.buildId,
    kernel.release,
    versionOf(kernel),
    names,
    factsText(kernel),
    version,
    recorded,
    updates.filter(isLive).length,
    FORM,
  );
}

/** Returns the recorded version; 0 for a kernel that is not recorded or has to be recorded again. */
export const versionRecorded = (sql: Sql, id: BuildId): number =>
  Number(sql("SELECT targets FROM kernels WHERE build_id = ? AND form = ?", id, FORM)[0]?.["targets"] ?? 0);

const factsText = (kernel: KernelFacts): string => fromUtf8(encodeJson(kernelFactsToJson(kernel)));
