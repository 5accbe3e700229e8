import { createHash } from "node:crypto";
import { NODE_VERSION } from "../../node/node_version.ts";
import { type About, DESCRIPTION, MAINTAINER, NAME, SUMMARY } from "../about.ts";
import { ar } from "../archive/ar.ts";
import { type Entry, withParents } from "../archive/entry.ts";
import { gzip } from "../archive/gzip.ts";
import { tar } from "../archive/tar.ts";

/** Debian's packages hold code of the shell that runs as root around installing and removing. */
export type Scripts = Readonly<Partial<Record<"postinst" | "prerm" | "postrm", string>>>;

/** A binary package (deb(5), format 2.0): version, control files and contents in an ar archive. */
export function deb(about: About, contents: readonly Entry[], scripts: Scripts): Buffer {
  const archive = (entries: readonly Entry[]) => gzip(tar(withParents(entries), about.seconds));
  const members = [
    { name: "debian-binary", bytes: Buffer.from("2.0\n") },
    { name: "control.tar.gz", bytes: archive(controlFiles(about, contents, scripts)) },
    { name: "data.tar.gz", bytes: archive(contents) },
  ];
  return ar(members, about.seconds);
}

const files = (contents: readonly Entry[]) => contents.filter((entry) => entry.kind === "file");

function controlFiles(about: About, contents: readonly Entry[], scripts: Scripts): Entry[] {
  const text = (path: string, lines: string, mode = 0o644): Entry => ({
    kind: "file",
    path,
    mode,
    bytes: Buffer.from(lines),
  });
  const config = files(contents).filter((file) => file.config);
  return [
    text("control", control(about, contents)),
    text("conffiles", config.map(({ path }) => `/${path}\n`).join("")),
    text("md5sums", md5sums(contents)),
    ...Object.entries(scripts).map(([name, script]) => text(name, script, 0o755)),
  ];
}

function control(about: About, contents: readonly Entry[]): string {
  const bytes = files(contents).reduce((sum, file) => sum + file.bytes.length, 0);
  const fields = {
    Package: NAME,
    Version: about.version,
    Architecture: "all",
    Maintainer: MAINTAINER,
    "Installed-Size": Math.ceil(bytes / 1024),
    // util-linux has flock; insmod and rmmod are in kmod or in busybox.
    Depends: `nodejs (>= ${NODE_VERSION}), kmod | busybox, util-linux`,
    Section: "admin",
    Priority: "optional",
    Description: [SUMMARY, ...DESCRIPTION].join("\n "),
  };
  return Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join("");
}

/** Of everything but configuration, which is the administrator's to change. */
function md5sums(contents: readonly Entry[]): string {
  return files(contents)
    .filter((file) => !file.config)
    .map(({ path, bytes }) => `${createHash("md5").update(bytes).digest("hex")}  ${path}\n`)
    .join("");
}
