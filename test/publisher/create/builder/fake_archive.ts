import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Programs that stand in for apt, mmdebstrap and bubblewrap, and what the archive has. */
export interface FakeArchive {
  readonly cache: string;
  /** Sets what the machine's own sources offer, or those of other suites: versions of gcc-14 by the suite's name. */
  offer(where: "own" | "other", versions: Readonly<Record<string, string>>): void;
  /** Makes mmdebstrap fail, or work again. */
  setBroken(isBroken: boolean): void;
  /** Returns what programs were asked to do since it was last asked: "apt-get update", "mmdebstrap trixie …". */
  asked(): readonly string[];
  remove(): void;
}

const SOURCES = "Types: deb\nURIs: http://archive/debian\nSuites: bookworm\nSigned-By: /keys/debian.gpg\n";

const PROGRAMS: Readonly<Record<string, string>> = {
  "apt-get": `case "$1" in
    indextargets) cat "$here/targets.\${APT_CONFIG:+other}" ;;
    *) echo "apt-get update" >>"$here/asked" ;;
  esac`,
  "apt-cache": `cat "$here/offers.\${APT_CONFIG:+other}"`,
  "apt-config": `echo 'Acquire::http::Proxy "http://proxy:1";'`,
  mmdebstrap: `folder= suite= sources=
  for word; do suite=$folder folder=$sources sources=$word; done
  echo "mmdebstrap $suite $1 $*" >>"$here/asked"
  sed 's/^/  /' "$sources" >>"$here/asked"
  mkdir -p "$folder/usr/bin" "$folder/usr/share/doc" "$folder/etc" "$folder/var"
  [ ! -e "$here/broken" ] || { echo "E: no such package" >&2; exit 25; }`,
  bwrap: `[ "$1" != --version ] || exit 0
  while [ "$1" != -- ]; do shift; done
  shift; exec "$@"`,
};

export function fakeArchive(): FakeArchive {
  const root = mkdtempSync(join(tmpdir(), "rebootless-archive-"));
  const bin = join(root, "bin");
  mkdirSync(bin);
  mkdirSync(join(root, "cache"));
  writeFileSync(join(root, "debian.sources"), SOURCES);
  for (const [name, text] of Object.entries(PROGRAMS))
    writeFileSync(join(bin, name), `#!/bin/sh\nhere='${root}'\n${text}\n`, { mode: 0o755 });
  const path = process.env["PATH"];
  process.env["PATH"] = `${bin}:${path}`;
  const offer: FakeArchive["offer"] = (where, versions) => {
    const suffix = where === "own" ? "" : "other";
    const suites = Object.keys(versions);
    const target = (suite: string): string =>
      [
        join(root, "debian.sources:1"),
        "http://archive/debian/",
        suite,
        suite,
        "main",
        "Debian",
        "Debian",
      ].join("\t");
    writeFileSync(join(root, `targets.${suffix}`), suites.map((suite) => `${target(suite)}\n`).join(""));
    const line = (suite: string): string =>
      `    gcc-14 | ${versions[suite]} | http://archive/debian ${suite}/main amd64 Packages\n`;
    writeFileSync(join(root, `offers.${suffix}`), suites.map(line).join(""));
  };
  return {
    cache: join(root, "cache"),
    offer,
    setBroken: (isBroken) =>
      isBroken ? writeFileSync(join(root, "broken"), "") : rmSync(join(root, "broken"), { force: true }),
    asked: () => {
      const log = join(root, "asked");
      const lines = existsSync(log) ? readFileSync(log, "utf8").trimEnd().split("\n") : [];
      rmSync(log, { force: true });
      return lines;
    },
    remove: () => {
      process.env["PATH"] = path;
      rmSync(root, { recursive: true, force: true });
    },
  };
}
