import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bashCompletion } from "../../node/cli/completion/bash.ts";
import { mustRun } from "../../node/processes.ts";
import type { About } from "../about.ts";
import { file, type ManualPage } from "../contents.ts";
import { type Entry, type FileEntry, writeEntries } from "../entry.ts";
import { publisherTree } from "../man/publisher.ts";

/**
 * Makes the tarball with GNU tar. It is a folder with an install script, for hosts with another package manager.
 * `prefix/` contains the files below PREFIX, `etc/` those of /etc. The tarball contains both commands.
 */
export async function writeTarball(
  out: string,
  work: string,
  about: About,
  contents: readonly Entry[],
): Promise<void> {
  const name = `rebootless-${about.version}`;
  await mkdir(join(work, name));
  await writeEntries(join(work, name), contents);
  const owner = ["--owner=root:0", "--group=root:0"];
  const archive = [
    "--create",
    "--file=archive",
    "--format=ustar",
    "--sort=name",
    `--mtime=@${about.seconds}`,
  ];
  await mustRun("tar", [...archive, ...owner, name], { cwd: work });
  await writeFile(out, gzipSync(await readFile(join(work, "archive")), { level: 9 }));
}

/** Returns the files of the tarball. The bundles must have been built. */
export async function tarballContents(
  root: string,
  about: About,
  contents: readonly Entry[],
  pages: readonly ManualPage[],
): Promise<Entry[]> {
  const read = (path: string) => readFile(join(root, path));
  return [
    file("install.sh", await read("packaging/tarball/install.sh"), 0o755),
    file("LICENSE", await read("LICENSE")),
    ...contents.flatMap(relocated),
    ...pages.map((page) => file(`prefix/share/man/man${page.file.slice(-1)}/${page.file}`, page.text)),
    file("prefix/lib/rebootless/rebootless-publish.cjs", await read("dist/rebootless-publish.cjs"), 0o755),
    ...(await Promise.all(
      LOADED.map(async (name) => file(`prefix/lib/rebootless/${name}`, await read(`dist/${name}`))),
    )),
    file("prefix/share/doc/rebootless/third-party-licenses-publish", await licenses(read)),
    file(
      "prefix/share/bash-completion/completions/rebootless-publish",
      bashCompletion(publisherTree(about.version)),
    ),
  ];
}

/** The bundles that the publisher's command loads: its program, and the edge for `serve` and `check-vars`. */
const LOADED = ["rebootless-publish-program.cjs", "rebootless-edge.cjs"] as const;

const licenses = async (read: (path: string) => Promise<Buffer>): Promise<Buffer> =>
  Buffer.concat(await Promise.all(LOADED.map((name) => read(`dist/${name}.licenses.txt`))));

/**
 * Moves an entry to its place in the tarball. It leaves out links, which the script makes, and compressed manual
 * pages. The pages are added uncompressed, because not every `man` can unpack them.
 */
function relocated(entry: Entry): FileEntry[] {
  if (entry.kind !== "file" || entry.path.startsWith("usr/share/man/")) return [];
  if (entry.path === "etc/rebootless/rebootless.toml") return [{ ...entry, path: "etc/rebootless.toml" }];
  if (entry.path === "etc/cron.d/rebootless") return [{ ...entry, path: "etc/rebootless.cron" }];
  return [{ ...entry, path: entry.path.replace(/^usr\//, "prefix/") }];
}
