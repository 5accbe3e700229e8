import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parseSourceDate } from "../shared/source_date.ts";
import { packages } from "./packages.ts";

/*
 * npm run package: dist/*.deb, dist/*.rpm, dist/*.tar.gz and dist/man. It needs Node alone, and the same sources with
 * the same SOURCE_DATE_EPOCH (the last commit's time, unless it is set) and Node make the same bytes.
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
await mkdir(join(dist, "man"), { recursive: true });
for (const [name, bytes] of await packages(root, { version, seconds: await sourceDate() })) {
  await writeFile(join(dist, name), bytes);
  process.stdout.write(`dist/${name}  ${Buffer.byteLength(bytes)} bytes\n`);
}
