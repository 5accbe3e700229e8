import type { BuildId, UpdateId } from "../../shared/brand.ts";
import { fromUtf8, utf8 } from "../../shared/bytes.ts";
import { Decoder } from "../../shared/decode.ts";
import { decodeKernelFacts, type KernelFacts, kernelFactsToJson } from "../../shared/feed/kernel.ts";
import { LISTING_PAGE, type Listing } from "../../shared/feed/listing.ts";
import { encodeJson, parseJson } from "../../shared/json.ts";
import { instant } from "../../shared/time.ts";
import { type Catalogue, cursorText, MAX_CHANGES, PAGE, placeOf, type Totals } from "./catalogue.ts";
import { type Change, changeOf } from "./change.ts";
import { type Entry, type KernelPage, listedOf, type UpdateEntry } from "./entry.ts";
import { buildIdRange, type Query, versionOf } from "./query.ts";

export type Cell = string | number | null;
export type Row = Readonly<Record<string, Cell>>;
/** Runs one statement of SQLite with `?` parameters. */
export type Sql = (statement: string, ...values: readonly Cell[]) => readonly Row[];

const TABLES = [
  `CREATE TABLE IF NOT EXISTS kernels (build_id TEXT PRIMARY KEY, release TEXT NOT NULL, version TEXT NOT NULL,
     names TEXT NOT NULL, facts TEXT NOT NULL, targets INTEGER NOT NULL, recorded INTEGER NOT NULL, live INTEGER NOT NULL)`,
  "CREATE UNIQUE INDEX IF NOT EXISTS kernels_order ON kernels (release, build_id)",
  `CREATE TABLE IF NOT EXISTS updates (id TEXT PRIMARY KEY, summary TEXT NOT NULL, cves TEXT NOT NULL,
     published INTEGER NOT NULL, recalled TEXT)`,
  `CREATE TABLE IF NOT EXISTS kernel_updates (build_id TEXT NOT NULL, id TEXT NOT NULL, recalled TEXT,
     PRIMARY KEY (build_id, id)) WITHOUT ROWID`,
  "CREATE INDEX IF NOT EXISTS kernels_of_update ON kernel_updates (id, build_id)",
  "CREATE TABLE IF NOT EXISTS cves (cve TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (cve, id)) WITHOUT ROWID",
  `CREATE TABLE IF NOT EXISTS changes (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,
     facts TEXT NOT NULL, targets INTEGER NOT NULL, added TEXT NOT NULL, recalled TEXT NOT NULL)`,
  "CREATE TABLE IF NOT EXISTS last_changes (number INTEGER PRIMARY KEY, build_id TEXT NOT NULL UNIQUE)",
  "CREATE TABLE IF NOT EXISTS catalogue (name TEXT NOT NULL)",
  "INSERT INTO catalogue SELECT lower(hex(randomblob(8))) WHERE NOT EXISTS (SELECT 1 FROM catalogue)",
];

/**
 * A catalogue in SQLite. Statements of one call run without an await between them, so nobody comes in; where the
 * machine stops halfway, the kernel's own row is written last and the next record does it all again.
 */
export function sqlCatalogue(sql: Sql): Catalogue {
  for (const table of TABLES) sql(table);
  return {
    record: async (entries) => {
      for (const entry of entries) record(sql, entry);
    },
    versions: async (ids) => ids.map((id) => versionInForce(sql, id)),
    kernels: async (query, after) => page(sql, ...conditionOf(query), after),
    update: async (id) => sql("SELECT * FROM updates WHERE id = ?", id).map(updateOf)[0],
    updatesFor: async (cve) =>
      sql("SELECT updates.* FROM cves JOIN updates USING (id) WHERE cve = ? ORDER BY id", cve).map(updateOf),
    kernelsWith: async (id, after) =>
      page(sql, "build_id IN (SELECT build_id FROM kernel_updates WHERE id = ?)", [id], after),
    changes: async () =>
      sql("SELECT * FROM changes ORDER BY number DESC LIMIT ?", MAX_CHANGES).map(changeOfRow),
    changedSince: async (cursor) => changedSince(sql, cursor),
    totals: async () => totals(sql),
  };
}

function record(sql: Sql, entry: Entry): void {
  const { kernel, version, recorded, updates } = entry;
  const { buildId } = kernel;
  const known = versionInForce(sql, buildId);
  if (known >= version) return;
  const before = sql("SELECT id, recalled FROM kernel_updates WHERE build_id = ?", buildId).map((row) => ({
    id: row["id"] as UpdateId,
    recalled: row["recalled"] as string | null,
  }));
  sql("DELETE FROM kernel_updates WHERE build_id = ?", buildId);
  for (const update of updates) recordUpdate(sql, buildId, update);
  const change = changeOf(0, entry, { updates: before });
  sql(
    "INSERT INTO changes (at, facts, targets, added, recalled) VALUES (?, ?, ?, ?, ?)",
    recorded,
    factsText(kernel),
    version,
    change.added.join(" "),
    change.recalled.join(" "),
  );
  sql("INSERT OR REPLACE INTO last_changes SELECT MAX(number), ? FROM changes", buildId);
  sql("DELETE FROM changes WHERE number <= (SELECT MAX(number) FROM changes) - ?", MAX_CHANGES);
  const live = updates.filter(({ recalled }) => recalled === null).length;
  const names = [kernel.release, kernel.distribution ?? "", versionOf(kernel)].join("\n").toLowerCase();
  sql(
    "INSERT OR REPLACE INTO kernels VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    buildId,
    kernel.release,
    versionOf(kernel),
    names,
    factsText(kernel),
    version,
    recorded,
    live,
  );
}

function recordUpdate(sql: Sql, kernel: BuildId, update: UpdateEntry): void {
  const { id, summary, cves, published, recalled } = update;
  sql("INSERT INTO kernel_updates VALUES (?, ?, ?)", kernel, id, recalled);
  sql(
    "INSERT OR REPLACE INTO updates VALUES (?, ?, ?, ?, ?)",
    id,
    summary,
    cves.join(" "),
    published,
    recalled,
  );
  sql("DELETE FROM cves WHERE id = ?", id);
  for (const cve of new Set(cves)) sql("INSERT INTO cves VALUES (?, ?)", cve, id);
}

const versionInForce = (sql: Sql, id: BuildId): number =>
  Number(sql("SELECT targets FROM kernels WHERE build_id = ?", id)[0]?.["targets"] ?? 0);

function conditionOf({ buildId, release, version, text }: Query): readonly [string, readonly Cell[]] {
  const conditions: (readonly [string, readonly Cell[]])[] = [["1", []]];
  if (buildId !== undefined) conditions.push(["build_id BETWEEN ? AND ?", buildIdRange(buildId)]);
  if (release !== undefined) conditions.push(["release = ?", [release]]);
  if (version !== undefined) conditions.push(["version = ?", [version]]);
  if (text !== undefined) conditions.push(["instr(names, ?) > 0", [text.toLowerCase()]]);
  return [
    conditions.map(([condition]) => condition).join(" AND "),
    conditions.flatMap(([, values]) => values),
  ];
}

function page(sql: Sql, condition: string, values: readonly Cell[], after: BuildId | null): KernelPage {
  const last = after === null ? [] : sql("SELECT release FROM kernels WHERE build_id = ?", after);
  const [place, from]: readonly [string, readonly Cell[]] =
    last[0] === undefined ? ["1", []] : ["(release, build_id) > (?, ?)", [last[0]["release"] ?? "", after]];
  const rows = sql(
    `SELECT facts, recorded, live FROM kernels WHERE ${condition} AND ${place} ORDER BY release, build_id LIMIT ?`,
    ...values,
    ...from,
    PAGE + 1,
  );
  const kernels = rows.slice(0, PAGE).map((row) => ({
    kernel: factsOf(row),
    updates: Number(row["live"]),
    recorded: instant(Number(row["recorded"])),
  }));
  return { kernels, next: rows.length > PAGE ? (kernels.at(-1)?.kernel.buildId ?? null) : null };
}

function changedSince(sql: Sql, cursor: string | null): Listing {
  const name = String(sql("SELECT name FROM catalogue")[0]?.["name"]);
  const from = placeOf(cursor, name);
  const rows = sql(
    `SELECT number, facts, targets FROM last_changes JOIN kernels USING (build_id)
       WHERE number > ? ORDER BY number LIMIT ?`,
    from,
    LISTING_PAGE + 1,
  );
  const page = rows.slice(0, LISTING_PAGE);
  return {
    kernels: page.map((row) => listedOf({ kernel: factsOf(row), version: Number(row["targets"]) })),
    next: cursorText(name, Number(page.at(-1)?.["number"] ?? from)),
    more: rows.length > page.length,
  };
}

function totals(sql: Sql): Totals {
  const count = (table: "kernels" | "updates") => Number(sql(`SELECT COUNT(*) AS n FROM ${table}`)[0]?.["n"]);
  const [lastChange] = sql("SELECT * FROM changes ORDER BY number DESC LIMIT 1").map(changeOfRow);
  return { kernels: count("kernels"), updates: count("updates"), lastChange };
}

const words = (cell: Cell | undefined): readonly string[] =>
  String(cell ?? "")
    .split(" ")
    .filter(Boolean);

const updateOf = (row: Row): UpdateEntry => ({
  id: row["id"] as UpdateId,
  summary: String(row["summary"]),
  cves: words(row["cves"]),
  published: instant(Number(row["published"])),
  recalled: row["recalled"] as string | null,
});

const changeOfRow = (row: Row): Change => ({
  number: Number(row["number"]),
  at: instant(Number(row["at"])),
  kernel: factsOf(row),
  version: Number(row["targets"]),
  added: words(row["added"]) as readonly UpdateId[],
  recalled: words(row["recalled"]) as readonly UpdateId[],
});

const factsText = (kernel: KernelFacts): string => fromUtf8(encodeJson(kernelFactsToJson(kernel)));
const factsOf = (row: Row): KernelFacts =>
  decodeKernelFacts(new Decoder(parseJson(utf8(String(row["facts"])), "facts"), "facts"));
