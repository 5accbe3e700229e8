import type { UpdateId } from "../../shared/brand.ts";
import { MAX_FOUND, MAX_NAMED, MAX_SEARCHED, PAGE } from "./catalogue.ts";
import { cveOfSortKey, cveSortKey, type HoldingPosition, positionCursor } from "./cursors.ts";
import type { CveLine, CveListPage, FoundUpdate, Holding, HoldingListPage } from "./entry.ts";
import type { Query } from "./query.ts";
import { factsOfRow, lineOfRow, updateOfRow } from "./sql_rows.ts";
import type { Row, Sql } from "./sql_tables.ts";

/*
 * Every statement here reads an index from a position on, and stops after a page, even if one update is for
 * 20,000 kernels and each of these has another description.
 */

export function holdersOf(sql: Sql, id: UpdateId, after: HoldingPosition | null): HoldingListPage {
  const groups = sql(
    "SELECT * FROM update_groups WHERE id = ? AND (gone, number) >= (?, ?) ORDER BY gone, number LIMIT ?",
    id,
    after?.gone ?? 0,
    after?.group ?? 0,
    PAGE + 1,
  );
  return holdings(sql, groups, after);
}

export function fixesOf(sql: Sql, cve: string, after: HoldingPosition | null): HoldingListPage {
  const groups = sql(
    `SELECT update_groups.* FROM fixes CROSS JOIN update_groups USING (number)
       WHERE place = ? AND (fixes.id, fixes.gone, fixes.number) >= (?, ?, ?)
       ORDER BY fixes.id, fixes.gone, fixes.number LIMIT ?`,
    cveSortKey(cve),
    after?.id ?? "",
    after?.gone ?? 0,
    after?.group ?? 0,
    PAGE + 1,
  );
  return holdings(sql, groups, after);
}

/**
 * Reads a page. Each group has a kernel, so a page needs no more groups than lines.
 * @param groups the groups in order, from the position on.
 */
function holdings(sql: Sql, groups: readonly Row[], after: HoldingPosition | null): HoldingListPage {
  const found: (Holding & { readonly position: HoldingPosition })[] = [];
  for (const group of groups) {
    if (found.length > PAGE) break;
    const number = Number(group["number"]);
    const goesOn = after?.group === number;
    const rows = sql(
      `SELECT facts, recorded, live, published FROM holdings CROSS JOIN kernels USING (build_id)
         WHERE number = ? AND (holdings.release, build_id) > (?, ?) ORDER BY holdings.release, build_id LIMIT ?`,
      number,
      goesOn ? after.release : "",
      goesOn ? after.buildId : "",
      PAGE + 1 - found.length,
    );
    for (const row of rows) {
      const line = lineOfRow(row);
      const { release, buildId } = line.kernel;
      const update = updateOfRow({ ...group, ...row });
      const gone = update.recalled === null ? 0 : 1;
      found.push({ line, update, position: { id: update.id, gone, group: number, release, buildId } });
    }
  }
  const page = found.slice(0, PAGE);
  const last = page.at(-1);
  return {
    holdings: page.map(({ line, update }) => ({ line, update })),
    next: found.length > PAGE && last ? positionCursor(last.position) : null,
  };
}

export function searchUpdates(sql: Sql, { words, cve }: Query): readonly FoundUpdate[] {
  if (words.length === 0) return [];
  const groups = cve === undefined ? withWords(sql, words) : naming(sql, cve);
  const first = new Map<Row[string] | undefined, Row>();
  for (const group of groups) if (!first.has(group["id"])) first.set(group["id"], group);
  return [...first.values()].slice(0, MAX_FOUND).flatMap((group) => found(sql, group));
}

const naming = (sql: Sql, cve: string): readonly Row[] =>
  nextOnes(MAX_FOUND, (last) => {
    const [row] = sql(
      `SELECT update_groups.* FROM fixes CROSS JOIN update_groups USING (number)
         WHERE place = ? AND fixes.id > ? ORDER BY fixes.id, fixes.gone, fixes.number LIMIT 1`,
      cveSortKey(cve),
      last?.["id"] ?? "",
    );
    return row;
  });

/** Finds an update with exactly this id first, then the newest ones. */
function withWords(sql: Sql, words: readonly string[]): readonly Row[] {
  const named = sql(
    "SELECT * FROM update_groups WHERE id = ? ORDER BY gone, number LIMIT 1",
    words.join(" "),
  );
  const condition = words.map(() => "instr(names, ?) > 0").join(" AND ");
  const others = sql(
    `SELECT *, MIN(number) AS first FROM (SELECT * FROM update_groups ORDER BY number DESC LIMIT ?)
       WHERE ${condition} GROUP BY id ORDER BY first DESC LIMIT ?`,
    MAX_SEARCHED,
    ...words,
    MAX_FOUND,
  );
  return [...named, ...others];
}

function found(sql: Sql, group: Row): FoundUpdate[] {
  const { number = null, id = null } = group;
  const [holder] = sql(
    `SELECT facts, published FROM holdings CROSS JOIN kernels USING (build_id)
       WHERE number = ? ORDER BY holdings.release, build_id LIMIT 1`,
    number,
  );
  if (!holder) return [];
  const holders = sql(
    "SELECT 1 FROM update_groups CROSS JOIN holdings USING (number) WHERE id = ? LIMIT 2",
    id,
  );
  return [
    { update: updateOfRow({ ...group, ...holder }), kernel: factsOfRow(holder), others: holders.length > 1 },
  ];
}

export function listCves(sql: Sql, after: string | null): CveListPage {
  const places = nextOnes(PAGE + 1, (last) => {
    const before = last?.["place"] ?? (after === null ? undefined : cveSortKey(after));
    const [row] =
      before === undefined
        ? sql("SELECT place FROM fixes ORDER BY place DESC LIMIT 1")
        : sql("SELECT place FROM fixes WHERE place < ? ORDER BY place DESC LIMIT 1", before);
    return row;
  });
  const lines = places.slice(0, PAGE).map((row) => cveLine(sql, String(row["place"])));
  return { cves: lines, next: places.length > PAGE ? (lines.at(-1)?.cve ?? null) : null };
}

function cveLine(sql: Sql, place: string): CveLine {
  const rows = nextOnes(MAX_NAMED + 1, (last) => {
    const [row] = sql(
      "SELECT id, gone FROM fixes WHERE place = ? AND id > ? ORDER BY id, gone LIMIT 1",
      place,
      last?.["id"] ?? "",
    );
    return row;
  });
  const updates = rows
    .slice(0, MAX_NAMED)
    .map((row) => ({ id: row["id"] as UpdateId, recalled: row["gone"] !== 0 }));
  return { cve: cveOfSortKey(place), updates, more: rows.length > MAX_NAMED };
}

/** Reads the first row of each kind where an index has many: one seek for each, however many rows are between. */
function nextOnes(max: number, next: (last: Row | undefined) => Row | undefined): readonly Row[] {
  const rows: Row[] = [];
  while (rows.length < max) {
    const row = next(rows.at(-1));
    if (!row) break;
    rows.push(row);
  }
  return rows;
}
