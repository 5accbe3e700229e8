import type { BuildId, UpdateId } from "../../shared/brand.ts";
import { LISTING_PAGE, type Listing } from "../../shared/feed/listing.ts";
import { instant } from "../../shared/time.ts";
import { type Catalogue, MAX_CHANGES, PAGE, type Totals } from "./catalogue.ts";
import type { CatalogueChange } from "./change.ts";
import { changeNumberOf, changesCursor } from "./cursors.ts";
import { type KernelEntry, type KernelListPage, listedOf } from "./entry.ts";
import { buildIdRange, type Query } from "./query.ts";
import { record, versionRecorded } from "./sql_record.ts";
import { factsOfRow, lineOfRow, updateOfRow, wordsIn } from "./sql_rows.ts";
import { type Cell, FORM, prepare, type Row, type Sql } from "./sql_tables.ts";
import { fixesOf, holdersOf, listCves, searchUpdates } from "./sql_updates.ts";

/**
 * Returns a catalogue in SQLite. The statements of one call run without an await between them, so no other
 * call is served meanwhile. A kernel's own row is written last: if the machine stops before that, the next
 * record writes everything again.
 */
export function sqlCatalogue(sql: Sql): Catalogue {
  prepare(sql);
  let totals: Totals | undefined;
  return {
    record: async (entries) => {
      totals = undefined;
      for (const entry of entries) record(sql, entry);
    },
    versions: async (ids) => ids.map((id) => versionRecorded(sql, id)),
    entry: async (id, max) => entryOf(sql, id, max),
    kernels: async (query, after) => page(sql, query, after),
    updates: async (query) => searchUpdates(sql, query),
    holdersOf: async (id, after) => holdersOf(sql, id, after),
    fixesOf: async (cve, after) => fixesOf(sql, cve, after),
    cves: async (after) => listCves(sql, after),
    changes: async () =>
      sql("SELECT * FROM changes ORDER BY number DESC LIMIT ?", MAX_CHANGES).map(changeOfRow),
    changedSince: async (cursor) => changedSince(sql, cursor),
    totals: async () => {
      totals ??= count(sql);
      return totals;
    },
  };
}

function entryOf(sql: Sql, id: BuildId, max: number): KernelEntry | undefined {
  const [kernel] = sql(
    "SELECT facts, targets, recorded FROM kernels WHERE build_id = ? AND form = ?",
    id,
    FORM,
  );
  if (!kernel) return undefined;
  const updates = sql(
    "SELECT * FROM holdings JOIN update_groups USING (number) WHERE build_id = ? ORDER BY published DESC, id LIMIT ?",
    id,
    max,
  );
  return {
    kernel: factsOfRow(kernel),
    version: Number(kernel["targets"]),
    recorded: instant(Number(kernel["recorded"])),
    updates: updates.map(updateOfRow),
  };
}

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

function page(sql: Sql, query: Query, after: BuildId | null): KernelListPage {
  const [condition, values] = conditionOf(query);
  const last = after === null ? [] : sql("SELECT release FROM kernels WHERE build_id = ?", after);
  const [position, from]: readonly [string, readonly Cell[]] =
    last[0] === undefined ? ["1", []] : ["(release, build_id) > (?, ?)", [last[0]["release"] ?? "", after]];
  const rows = sql(
    `SELECT facts, recorded, live FROM kernels WHERE ${condition} AND ${position} ORDER BY release, build_id LIMIT ?`,
    ...values,
    ...from,
    PAGE + 1,
  );
  const kernels = rows.slice(0, PAGE).map(lineOfRow);
  return { kernels, next: rows.length > PAGE ? (kernels.at(-1)?.kernel.buildId ?? null) : null };
}

function changedSince(sql: Sql, cursor: string | null): Listing {
  const name = String(sql("SELECT name FROM catalogue")[0]?.["name"]);
  const from = changeNumberOf(cursor, name);
  const rows = sql(
    `SELECT number, facts, targets FROM last_changes JOIN kernels USING (build_id)
       WHERE number > ? ORDER BY number LIMIT ?`,
    from,
    LISTING_PAGE + 1,
  );
  const changed = rows.slice(0, LISTING_PAGE);
  return {
    kernels: changed.map((row) => listedOf({ kernel: factsOfRow(row), version: Number(row["targets"]) })),
    next: changesCursor(name, Number(changed.at(-1)?.["number"] ?? from)),
    more: rows.length > changed.length,
  };
}

function count(sql: Sql): Totals {
  const number = (statement: string) => Number(sql(statement)[0]?.["n"]);
  const [lastChange] = sql("SELECT * FROM changes ORDER BY number DESC LIMIT 1").map(changeOfRow);
  return {
    kernels: number("SELECT COUNT(*) AS n FROM kernels"),
    updates: number("SELECT COUNT(DISTINCT id) AS n FROM update_groups"),
    lastChange,
  };
}

const changeOfRow = (row: Row): CatalogueChange => ({
  number: Number(row["number"]),
  at: instant(Number(row["at"])),
  kernel: factsOfRow(row),
  version: Number(row["targets"]),
  added: wordsIn(row, "added") as readonly UpdateId[],
  recalled: wordsIn(row, "recalled") as readonly UpdateId[],
});
