import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { unifiedDiff } from "./changed_files.ts";
import { type SourcePair, twoVersions } from "./pair.ts";

const run = promisify(execFile);

/** The distribution's own difference of one file as a patch, made once out of the two source packages. Returns its path. */
export async function differencePatch(pair: SourcePair, path: string): Promise<string> {
  const folder = join(pair.cache, "..", "patches");
  const patch = join(folder, `${basename(path, ".c")}-${pair.from}-${pair.to}.patch`);
  if (existsSync(patch)) return patch;
  await mkdir(folder, { recursive: true });
  const { sources } = twoVersions(pair);
  const [before, after] = await Promise.all([fileOf(sources.from, path), fileOf(sources.to, path)]);
  await writeFile(`${patch}.tmp`, await differenceOf(folder, path, before, after), "latin1");
  await rename(`${patch}.tmp`, patch);
  return patch;
}

/** @param folder for temporary files. */
async function differenceOf(
  folder: string,
  path: string,
  before: Uint8Array | string,
  after: Uint8Array | string,
): Promise<string> {
  const files = [join(folder, `before.${process.pid}`), join(folder, `after.${process.pid}`)] as const;
  await writeFile(files[0], before, "latin1");
  await writeFile(files[1], after, "latin1");
  const text = await unifiedDiff(...files, path);
  for (const file of files) await rm(file);
  return text;
}

/** One file of a source package: an archive in an archive, streamed. */
async function fileOf(deb: string, path: string): Promise<Buffer> {
  const script = `dpkg-deb --fsys-tarfile "$1" | tar -xO --wildcards './usr/src/linux-source-*.tar.xz' |
    xz -dc | tar -xO --occurrence=1 --wildcards "linux-source-*/$2"`;
  const options = { encoding: "buffer", maxBuffer: 64 << 20 } as const;
  const { stdout } = await run("sh", ["-c", script, "sh", deb, path], options);
  if (stdout.length === 0) throw new Error(`${deb} has no ${path}`);
  return stdout;
}
