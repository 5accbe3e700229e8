const facts = (n: number) =>
  `{"build_id":"${n.toString(16).padStart(40, "0")}","release":"6.1.0-56","architecture":"x86_64"}`;
const kernel = (n: number, targets: number) =>
  `INSERT INTO kernels VALUES ('${n.toString(16).padStart(40, "0")}', '6.1.0-56', '', '6.1.0-56', '${facts(n)}', ${targets}, 1767225600000, 1)`;

/** The tables of the first program's catalogue, with two kernels that share an update. */
export const FIRST_FORM: readonly string[] = [
  `CREATE TABLE kernels (build_id TEXT PRIMARY KEY, release TEXT NOT NULL, version TEXT NOT NULL,
     names TEXT NOT NULL, facts TEXT NOT NULL, targets INTEGER NOT NULL, recorded INTEGER NOT NULL, live INTEGER NOT NULL)`,
  "CREATE UNIQUE INDEX kernels_order ON kernels (release, build_id)",
  `CREATE TABLE updates (id TEXT PRIMARY KEY, summary TEXT NOT NULL, cves TEXT NOT NULL,
     published INTEGER NOT NULL, recalled TEXT)`,
  `CREATE TABLE kernel_updates (build_id TEXT NOT NULL, id TEXT NOT NULL, recalled TEXT,
     PRIMARY KEY (build_id, id)) WITHOUT ROWID`,
  "CREATE INDEX kernels_of_update ON kernel_updates (id, build_id)",
  "CREATE TABLE cves (cve TEXT NOT NULL, id TEXT NOT NULL, PRIMARY KEY (cve, id)) WITHOUT ROWID",
  `CREATE TABLE changes (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,
     facts TEXT NOT NULL, targets INTEGER NOT NULL, added TEXT NOT NULL, recalled TEXT NOT NULL)`,
  "CREATE TABLE last_changes (number INTEGER PRIMARY KEY, build_id TEXT NOT NULL UNIQUE)",
  "CREATE TABLE catalogue (name TEXT NOT NULL)",
  "INSERT INTO catalogue VALUES ('0123456789abcdef')",
  kernel(1, 3),
  kernel(2, 4),
  "INSERT INTO updates VALUES ('fix', 'Whatever came last', 'CVE-2026-12345 CVE-2026-1000', 1767225600000, 'bad')",
  "INSERT INTO updates VALUES ('other', 'Mends other', '', 1767225600000, NULL)",
  "INSERT INTO cves VALUES ('CVE-2026-12345', 'fix'), ('CVE-2026-1000', 'fix')",
  ...[1, 2].map(
    (n) =>
      `INSERT INTO kernel_updates VALUES ('${n.toString(16).padStart(40, "0")}', 'fix', ${n === 1 ? "NULL" : "'bad'"})`,
  ),
  "INSERT INTO kernel_updates VALUES ('0000000000000000000000000000000000000001', 'other', NULL)",
  ...[1, 2].flatMap((n) => [
    `INSERT INTO changes (at, facts, targets, added, recalled) VALUES (1767225600000, '${facts(n)}', 3, 'fix', '')`,
    `INSERT INTO last_changes SELECT MAX(number), '${n.toString(16).padStart(40, "0")}' FROM changes`,
  ]),
];
