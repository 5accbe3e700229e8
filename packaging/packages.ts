import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { About } from "./about.ts";
import { hostContents, type ManualPage } from "./contents.ts";
import { writeDeb } from "./debian/deb.ts";
import { configPage } from "./man/config_page.ts";
import { hostPage } from "./man/host.ts";
import { publisherPage } from "./man/publisher.ts";
import { writeRpm } from "./rpm/rpm.ts";
import { tarballContents, writeTarball } from "./tarball/tarball.ts";

/** The formats of packages. The .rpm is made from the tarball, so the tarball is made along with it. */
export const FORMATS = ["deb", "rpm", "tarball"] as const;
export type Format = (typeof FORMATS)[number];

/**
 * Writes packages of the programs in dist, and the manual pages. Returns the names of the files. The same bundles and
 * tools make the same bytes, if `about.seconds` is in the past.
 */
export async function writePackages(
  root: string,
  out: string,
  about: About,
  formats: readonly Format[],
): Promise<string[]> {
  const host: readonly ManualPage[] = [
    { file: "rebootless.8", text: hostPage(about) },
    { file: "rebootless.toml.5", text: configPage(about) },
  ];
  const pages = [...host, { file: "rebootless-publish.1", text: publisherPage(about) }];
  await mkdir(join(out, "man"), { recursive: true });
  for (const { file, text } of pages) await writeFile(join(out, "man", file), text);
  const written = pages.map(({ file }) => join("man", file));

  const env = { SOURCE_DATE_EPOCH: String(about.seconds) };
  const source = (path: string) => join(root, "packaging", path);
  const contents = (zshFolder: string) => hostContents(root, about, host, { zshFolder });
  const write = async (name: string, make: (file: string, work: string) => Promise<void>) => {
    await inFolder((work) => make(join(out, name), work));
    written.push(name);
  };
  if (formats.includes("deb")) {
    const entries = await contents("usr/share/zsh/vendor-completions");
    const name = `rebootless_${about.version}_all.deb`;
    await write(name, (file, work) => writeDeb(file, work, source("debian"), entries, env));
  }
  const tarball = `rebootless-${about.version}.tar.gz`;
  if (formats.includes("tarball") || formats.includes("rpm")) {
    const entries = await tarballContents(root, about, await contents("usr/share/zsh/site-functions"), pages);
    await write(tarball, (file, work) => writeTarball(file, work, about, entries));
  }
  if (formats.includes("rpm")) {
    const [name, spec] = [`rebootless-${about.version}-1.noarch.rpm`, source("rpm/rebootless.spec")];
    await write(name, (file, work) => writeRpm(file, work, spec, join(out, tarball), env));
  }
  return written;
}

async function inFolder(use: (work: string) => Promise<void>): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), "rebootless-package-"));
  try {
    await use(work);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
