import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { About } from "./about.ts";
import { hostContents, type ManualPage } from "./contents.ts";
import { deb } from "./debian/deb.ts";
import { configPage } from "./man/config_page.ts";
import { hostPage } from "./man/host.ts";
import { publisherPage } from "./man/publisher.ts";
import { rpm, rpmFileName } from "./rpm/rpm.ts";
import { tarball } from "./tarball/tarball.ts";

/** The packages of what is built in dist, by file name. */
export async function packages(
  root: string,
  about: About,
): Promise<ReadonlyMap<string, Uint8Array | string>> {
  const host: readonly ManualPage[] = [
    { file: "rebootless.8", text: hostPage(about) },
    { file: "rebootless.toml.5", text: configPage(about) },
  ];
  const pages = [...host, { file: "rebootless-publish.1", text: publisherPage(about) }];
  const contents = (zshFolder: string) => hostContents(root, about, host, { zshFolder });
  const script = (path: string) => readFile(join(root, "packaging", path), "utf8");
  const forDebian = await contents("usr/share/zsh/vendor-completions");
  const forOthers = await contents("usr/share/zsh/site-functions");
  return new Map<string, Uint8Array | string>([
    ...pages.map((page) => [join("man", page.file), page.text] as const),
    [
      `rebootless_${about.version}_all.deb`,
      deb(about, forDebian, {
        postinst: await script("debian/postinst"),
        prerm: await script("debian/prerm"),
        postrm: await script("debian/postrm"),
      }),
    ],
    [
      rpmFileName(about.version),
      rpm(about, forOthers, {
        post: await script("rpm/post"),
        preun: await script("rpm/preun"),
        postun: await script("rpm/postun"),
      }),
    ],
    [`rebootless-${about.version}.tar.gz`, await tarball(root, about, forOthers, pages)],
  ]);
}
