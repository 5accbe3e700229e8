import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { mustRun } from "../../node/processes.ts";
import { type Entry, type FileEntry, writeEntries } from "../entry.ts";

/** The control files that are copied into the package from this folder, and their modes. */
const CONTROL = { conffiles: 0o644, postinst: 0o755, prerm: 0o755, postrm: 0o755 };

/**
 * Makes a binary package with dpkg-deb.
 *
 * @param work an empty folder.
 * @param from the folder of the control files.
 */
export async function writeDeb(
  out: string,
  work: string,
  from: string,
  contents: readonly Entry[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  await writeEntries(work, contents);
  const control = join(work, "DEBIAN");
  await mkdir(control);
  await chmod(control, 0o755);
  const files = contents.filter((entry) => entry.kind === "file");
  const conffiles = (await readFile(join(from, "conffiles"), "utf8")).split("\n");
  const stanza = await readFile(join(from, "control"), "utf8");
  await writeFile(join(control, "control"), `${stanza}Installed-Size: ${kibibytes(files)}\n`);
  await writeFile(join(control, "md5sums"), md5sums(files, conffiles));
  for (const name of ["control", "md5sums"]) await chmod(join(control, name), 0o644);
  for (const [name, mode] of Object.entries(CONTROL)) {
    await copyFile(join(from, name), join(control, name));
    await chmod(join(control, name), mode);
  }
  // Every dpkg can read gzip, and gzip makes the same bytes with any number of threads.
  await mustRun("dpkg-deb", ["--root-owner-group", "-Zgzip", "-b", work, out], { env });
}

const kibibytes = (files: readonly FileEntry[]): number =>
  Math.ceil(files.reduce((sum, { bytes }) => sum + bytes.length, 0) / 1024);

/** Lists the checksums of all files except configuration, which the administrator may change. */
const md5sums = (files: readonly FileEntry[], conffiles: readonly string[]): string =>
  files
    .filter(({ path }) => !conffiles.includes(`/${path}`))
    .map(({ path, bytes }) => `${createHash("md5").update(bytes).digest("hex")}  ${path}\n`)
    .join("");
