import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { bashCompletion } from "../node/cli/completion/bash.ts";
import { fishCompletion } from "../node/cli/completion/fish.ts";
import { zshCompletion } from "../node/cli/completion/zsh.ts";
import type { About } from "./about.ts";
import type { DirectoryEntry, Entry, FileEntry, LinkEntry } from "./entry.ts";
import { defaultConfig } from "./host/default_config.ts";
import { hostTree } from "./man/host.ts";

/** A manual page: the name of its file, such as `rebootless.8`, and its text. */
export interface ManualPage {
  readonly file: string;
  readonly text: string;
}

/** The places that differ between formats of packages. */
export interface Layout {
  readonly zshFolder: string;
}

export const file = (path: string, bytes: Uint8Array | string, mode = 0o644): FileEntry => ({
  kind: "file",
  path,
  mode,
  bytes: Buffer.from(bytes),
});
const link = (path: string, target: string): LinkEntry => ({ kind: "link", path, target });
const folder = (path: string): DirectoryEntry => ({ kind: "directory", path });

/** The bundles of the host's command, in addition to the one that starts it. */
const PROGRAM = ["rebootless-host.cjs", "rebootless-mirror.cjs"] as const;

/** Returns what a package of the host's command installs below `/`. The bundles must have been built. */
export async function hostContents(
  root: string,
  about: About,
  pages: readonly ManualPage[],
  layout: Layout,
): Promise<Entry[]> {
  const host = (name: string) => readFile(join(root, "packaging/host", name));
  return [
    folder("etc/rebootless"),
    file("etc/rebootless/rebootless.toml", defaultConfig()),
    file("etc/cron.d/rebootless", await host("rebootless.cron")),
    link("usr/bin/rebootless", "../lib/rebootless/rebootless.cjs"),
    folder("usr/lib/rebootless"),
    file("usr/lib/rebootless/rebootless.cjs", await readFile(join(root, "dist/rebootless.cjs")), 0o755),
    ...(await Promise.all(
      PROGRAM.map(async (name) =>
        file(`usr/lib/rebootless/${name}`, await readFile(join(root, "dist", name))),
      ),
    )),
    ...(await Promise.all(
      UNITS.map(async (unit) => file(`usr/lib/systemd/system/${unit}`, await host(unit))),
    )),
    ...completions(about, layout),
    ...pages.map((page) =>
      file(`usr/share/man/man${page.file.slice(-1)}/${page.file}.gz`, gzipSync(page.text, { level: 9 })),
    ),
    folder("usr/share/doc/rebootless"),
    ...(await documents(root)),
  ];
}

export const UNITS = ["rebootless.service", "rebootless.timer", "rebootless-boot.service"] as const;

function completions(about: About, { zshFolder }: Layout): FileEntry[] {
  const tree = hostTree(about.version);
  return [
    file("usr/share/bash-completion/completions/rebootless", bashCompletion(tree)),
    file("usr/share/fish/vendor_completions.d/rebootless.fish", fishCompletion(tree)),
    file(`${zshFolder}/_rebootless`, zshCompletion(tree)),
  ];
}

async function documents(root: string): Promise<FileEntry[]> {
  const names = { copyright: "LICENSE", "third-party-licenses": "dist/host.licenses.txt" };
  const read = async ([name, from]: readonly [string, string]) =>
    file(`usr/share/doc/rebootless/${name}`, await readFile(join(root, from)));
  return await Promise.all(Object.entries(names).map(read));
}
