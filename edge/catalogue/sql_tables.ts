/** A value of SQLite. */
export type Cell = string | number | null;
export type Row = Readonly<Record<string, Cell>>;
/** Runs one statement of SQLite with `?` parameters. */
export type Sql = (statement: string, ...values: readonly Cell[]) => readonly Row[];

/**
 * The form of a kernel's rows. It is raised when they have to be made again from the feed. Rows of an older form are still
 * served, but do not count as recorded, so that maintenance runs make them again little by little.
 */
export const FORM = 1;

/**
 * `update_groups` has each description of an update once, for all kernels with the same one; `holdings` says which kernels
 * these are, and `fixes` which CVEs are named. `gone` is 1 for a recalled update.
 */
const TABLES = [
  `CREATE TABLE IF NOT EXISTS kernels (build_id TEXT PRIMARY KEY, release TEXT NOT NULL, version TEXT NOT NULL,
     names TEXT NOT NULL, facts TEXT NOT NULL, targets INTEGER NOT NULL, recorded INTEGER NOT NULL, live INTEGER NOT NULL)`,
  "CREATE UNIQUE INDEX IF NOT EXISTS kernels_order ON kernels (release, build_id)",
  `CREATE TABLE IF NOT EXISTS update_groups (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, gone INTEGER NOT NULL,
     summary TEXT NOT NULL, cves TEXT NOT NULL, recalled TEXT, names TEXT NOT NULL)`,
  "CREATE INDEX IF NOT EXISTS groups_of_update ON update_groups (id, gone, number)",
  "CREATE INDEX IF NOT EXISTS groups_by_words ON update_groups (id, summary)",
  `CREATE TABLE IF NOT EXISTS holdings (number INTEGER NOT NULL, release TEXT NOT NULL, build_id TEXT NOT NULL,
     published INTEGER NOT NULL, PRIMARY KEY (number, release, build_id)) WITHOUT ROWID`,
  "CREATE INDEX IF NOT EXISTS holdings_of_kernel ON holdings (build_id, number)",
  `CREATE TABLE IF NOT EXISTS fixes (place TEXT NOT NULL, id TEXT NOT NULL, gone INTEGER NOT NULL, number INTEGER NOT NULL,
     PRIMARY KEY (place, id, gone, number)) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS changes (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,
     facts TEXT NOT NULL, targets INTEGER NOT NULL, added TEXT NOT NULL, recalled TEXT NOT NULL)`,
  "CREATE TABLE IF NOT EXISTS last_changes (number INTEGER PRIMARY KEY, build_id TEXT NOT NULL UNIQUE)",
  "CREATE TABLE IF NOT EXISTS catalogue (name TEXT NOT NULL)",
  "INSERT INTO catalogue SELECT lower(hex(randomblob(8))) WHERE NOT EXISTS (SELECT 1 FROM catalogue)",
];

/**
 * Converts the first form, which had one summary for an id: that of the kernel recorded last. It is kept as it is, so that
 * no page is empty until maintenance runs have made each kernel's rows again.
 */
const FROM_FIRST_FORM = [
  `INSERT INTO update_groups (id, gone, summary, cves, recalled, names)
     SELECT DISTINCT id, kernel_updates.recalled IS NOT NULL, summary, cves, kernel_updates.recalled,
       lower(id || char(10) || summary || char(10) || replace(cves, ' ', char(10)))
       FROM kernel_updates JOIN updates USING (id)`,
  `INSERT INTO holdings SELECT number, release, kernel_updates.build_id, published
     FROM kernel_updates JOIN kernels USING (build_id) JOIN updates USING (id)
       JOIN update_groups ON update_groups.id = kernel_updates.id AND update_groups.recalled IS kernel_updates.recalled`,
  `INSERT INTO fixes SELECT substr(cve, 5, 4) || printf('%x', length(cve) - 9) || substr(cve, 10), id, gone, number
     FROM cves JOIN update_groups USING (id)`,
  "DROP TABLE kernel_updates",
  "DROP TABLE updates",
  "DROP TABLE cves",
];

/** Creates tables that are missing, and converts those of an older program. */
export function prepare(sql: Sql): void {
  const has = (name: string) => sql("SELECT 1 FROM sqlite_master WHERE name = ?", name).length > 0;
  const isFirstForm = has("kernel_updates");
  const hasForm = has("update_groups");
  for (const table of TABLES) sql(table);
  if (!hasForm) sql("ALTER TABLE kernels ADD COLUMN form INTEGER NOT NULL DEFAULT 0");
  if (isFirstForm) for (const step of FROM_FIRST_FORM) sql(step);
}
