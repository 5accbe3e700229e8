import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { bashCompletion } from "../../node/cli/completion/bash.ts";
import type { About } from "../about.ts";
import { type Entry, type FileEntry, withParents } from "../archive/entry.ts";
import { gzip } from "../archive/gzip.ts";
import { tar } from "../archive/tar.ts";
import { file, type ManualPage } from "../contents.ts";
import { publisherTree } from "../man/publisher.ts";

/**
 * A folder with an install script, for hosts whose package manager is another. `prefix/` holds what goes below PREFIX,
 * `etc/` what goes to /etc. Both commands are in it.
 */
export async function tarball(
  root: string,
  about: About,
  contents: readonly Entry[],
  pages: readonly ManualPage[],
): Promise<Buffer> {
  const read = (path: string) => readFile(join(root, path));
  const entries = [
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
  return gzip(tar(withParents(entries), about.seconds, `rebootless-${about.version}/`));
}

/** What the publisher's command loads: its program, and for `serve` and `check-vars` the edge. */
const LOADED = ["rebootless-publish-program.cjs", "rebootless-edge.cjs"] as const;

const licenses = async (read: (path: string) => Promise<Buffer>): Promise<Buffer> =>
  Buffer.concat(await Promise.all(LOADED.map((name) => read(`dist/${name}.licenses.txt`))));

/** Links are made by the script, and pages are there uncompressed: not every `man` unpacks them. */
function relocated(entry: Entry): FileEntry[] {
  if (entry.kind !== "file" || entry.path.startsWith("usr/share/man/")) return [];
  if (entry.path === "etc/rebootless/rebootless.toml") return [{ ...entry, path: "etc/rebootless.toml" }];
  if (entry.path === "etc/cron.d/rebootless") return [{ ...entry, path: "etc/rebootless.cron" }];
  return [{ ...entry, path: entry.path.replace(/^usr\//, "prefix/") }];
}
