import { createHash } from "node:crypto";
import { NODE_VERSION } from "../../node/node_version.ts";
import { type About, DESCRIPTION, LICENSE, NAME, SUMMARY } from "../about.ts";
import { type Entry, sorted } from "../archive/entry.ts";
import { gzip } from "../archive/gzip.ts";
import { fileTags, payload, SHA256, sha256 } from "./files.ts";
import { header, type Value } from "./header.ts";

/** Code of the shell that runs as root after installing and around removing. */
export interface Scripts {
  readonly post: string;
  readonly preun: string;
  readonly postun: string;
}

const RELEASE = "1";
const SHELL = "/bin/sh";
const SIGNATURES = 62;
const IMMUTABLE = 63;

const string = (text: string): Value => ({ type: "string", text });
const strings = (texts: readonly string[]): Value => ({ type: "strings", texts });
const int32 = (...values: readonly number[]): Value => ({ type: "int32", values });
const i18n = (text: string): Value => ({ type: "i18n", texts: [text] });

export const rpmFileName = (version: string): string => `${NAME}-${version}-${RELEASE}.noarch.rpm`;

/** A binary package, unsigned: who distributes it signs it (`rpmsign --addsign`). Folders listed are owned by it. */
export function rpm(about: About, contents: readonly Entry[], scripts: Scripts): Buffer {
  const entries = sorted(contents);
  const unpacked = payload(entries);
  const packed = gzip(unpacked);
  const main = header(
    IMMUTABLE,
    new Map([
      ...identity(about),
      ...fileTags(entries, about.seconds),
      ...dependencies(about.version),
      ...scriptTags(scripts),
      [
        1009,
        int32(entries.reduce((sum, entry) => sum + (entry.kind === "file" ? entry.bytes.length : 0), 0)),
      ],
      [1124, string("cpio")],
      [1125, string("gzip")],
      [1126, string("9")],
      [5092, strings([sha256(packed)])],
      [5093, int32(SHA256)],
    ]),
  );
  const digest = (algorithm: string, ...parts: readonly Uint8Array[]) =>
    parts.reduce((hash, part) => hash.update(part), createHash(algorithm)).digest();
  const signatures = header(
    SIGNATURES,
    new Map<number, Value>([
      [269, string(digest("sha1", main).toString("hex"))],
      [273, string(sha256(main))],
      [1000, int32(main.length + packed.length)],
      [1004, { type: "binary", bytes: digest("md5", main, packed) }],
      [1007, int32(unpacked.length)],
    ]),
  );
  const padding = Buffer.alloc((8 - (signatures.length % 8)) % 8);
  return Buffer.concat([lead(about), signatures, padding, main, packed]);
}

/** 96 bytes that only say "a package"; readers take the rest from the header. */
function lead(about: About): Buffer {
  const bytes = Buffer.alloc(96);
  bytes.write("edabeedb0300", 0, "hex");
  bytes.write(`${NAME}-${about.version}-${RELEASE}`, 10, 65);
  bytes.writeUInt16BE(1, 76); // Linux
  bytes.writeUInt16BE(5, 78); // signatures are a header
  return bytes;
}

function identity(about: About): [number, Value][] {
  return [
    [100, strings(["C"])],
    [1000, string(NAME)],
    [1001, string(about.version)],
    [1002, string(RELEASE)],
    [1004, i18n(SUMMARY)],
    [1005, i18n(DESCRIPTION.join("\n"))],
    [1006, int32(about.seconds)],
    [1007, string("localhost")],
    [1014, string(LICENSE)],
    [1016, i18n("System Environment/Base")],
    [1021, string("linux")],
    [1022, string("noarch")],
    [1044, string(`${NAME}-${about.version}-${RELEASE}.src.rpm`)],
  ];
}

const LESS = 2;
const GREATER = 4;
const EQUAL = 8;
const INTERPRETER = 1 << 8;
const IN_SCRIPTS = (1 << 10) | (1 << 11) | (1 << 12);
const OF_RPM_ITSELF = 1 << 24;

function dependencies(version: string): [number, Value][] {
  const ofRpm = LESS | EQUAL | OF_RPM_ITSELF;
  const requires: readonly [name: string, flags: number, version: string][] = [
    [SHELL, INTERPRETER | IN_SCRIPTS, ""],
    ["/usr/bin/flock", 0, ""],
    ["kmod", 0, ""],
    ["nodejs", GREATER | EQUAL, NODE_VERSION],
    ["rpmlib(CompressedFileNames)", ofRpm, "3.0.4-1"],
    ["rpmlib(FileDigests)", ofRpm, "4.6.0-1"],
    ["rpmlib(PayloadFilesHavePrefix)", ofRpm, "4.0-1"],
  ];
  return [
    [1047, strings([NAME])],
    [1048, int32(...requires.map(([, flags]) => flags))],
    [1049, strings(requires.map(([name]) => name))],
    [1050, strings(requires.map(([, , wanted]) => wanted))],
    [1112, int32(EQUAL)],
    [1113, strings([`${version}-${RELEASE}`])],
  ];
}

function scriptTags({ post, preun, postun }: Scripts): [number, Value][] {
  return [
    [1024, string(post)],
    [1025, string(preun)],
    [1026, string(postun)],
    [1086, string(SHELL)],
    [1087, string(SHELL)],
    [1088, string(SHELL)],
  ];
}
