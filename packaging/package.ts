import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parseSourceDate } from "../shared/source_date.ts";
import { FORMATS, writePackages } from "./packages.ts";

/*
 * npm run package
 *
 * Makes dist/*.deb, dist/*.rpm, dist/*.tar.gz and dist/man with dpkg-deb, rpmbuild and GNU tar. The same sources with
 * the same SOURCE_DATE_EPOCH (the last commit's time, unless it is set), Node and tools make the same bytes.
 */

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, "dist");

async function sourceDate(): Promise<number> {
  const set = process.env["SOURCE_DATE_EPOCH"];
  if (set !== undefined) return parseSourceDate(set);
  const git = promisify(execFile)("git", ["log", "-1", "--format=%ct"], { cwd: root });
  const committed = await git.then(({ stdout }) => Number(stdout.trim())).catch(() => 0);
  if (committed > 0) return committed;
  process.stderr.write("no git and no SOURCE_DATE_EPOCH: packages carry the time of now\n");
  return Math.floor(Date.now() / 1000);
}

const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
const asked = process.argv.slice(2);
const formats = FORMATS.filter((format) => asked.length === 0 || asked.includes(format));
for (const name of await writePackages(root, dist, { version, seconds: await sourceDate() }, formats)) {
  process.stdout.write(`dist/${name}  ${(await stat(join(dist, name))).size} bytes\n`);
}
