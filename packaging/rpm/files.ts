import { createHash } from "node:crypto";
import { basename, dirname } from "node:path";
import type { Entry } from "../archive/entry.ts";
import { type NewcEntry, newc } from "../archive/newc.ts";
import type { Value } from "./header.ts";

const TYPE_BITS = { file: 0o100000, link: 0o120000, directory: 0o040000 } as const;
const CONFIG_NOREPLACE = 0x1 | 0x10;
const DOCUMENT = 0x2;

const modeOf = (entry: Entry): number =>
  TYPE_BITS[entry.kind] | (entry.kind === "file" ? entry.mode : entry.kind === "link" ? 0o777 : 0o755);
const bytesOf = (entry: Entry): Uint8Array =>
  entry.kind === "file" ? entry.bytes : Buffer.from(entry.kind === "link" ? entry.target : "");

/** The files themselves, in the order of the header's tables. */
export const payload = (entries: readonly Entry[]): Buffer =>
  newc(
    entries.map(
      (entry): NewcEntry => ({ name: `./${entry.path}`, mode: modeOf(entry), bytes: bytesOf(entry) }),
    ),
  );

/** The header's tables of files: one value for each entry, names cut into folder and rest. */
export function fileTags(entries: readonly Entry[], seconds: number): [number, Value][] {
  const folders = [...new Set(entries.map(folderOf))];
  const numbers = (type: "int16" | "int32", of: (entry: Entry, index: number) => number): Value => ({
    type,
    values: entries.map(of),
  });
  const texts = (of: (entry: Entry) => string): Value => ({ type: "strings", texts: entries.map(of) });
  return [
    [1028, numbers("int32", (entry) => bytesOf(entry).length)],
    [1030, numbers("int16", modeOf)],
    [1033, numbers("int16", () => 0)],
    [1034, numbers("int32", () => seconds)],
    [1035, texts((entry) => (entry.kind === "file" ? sha256(entry.bytes) : ""))],
    [1036, texts((entry) => (entry.kind === "link" ? entry.target : ""))],
    [1037, numbers("int32", flagsOf)],
    [1039, texts(() => "root")],
    [1040, texts(() => "root")],
    [1045, numbers("int32", () => -1)],
    [1095, numbers("int32", () => 1)],
    [1096, numbers("int32", (_, index) => index + 1)],
    [1097, texts(() => "")],
    [1116, numbers("int32", (entry) => folders.indexOf(folderOf(entry)))],
    [1117, texts((entry) => basename(entry.path))],
    [1118, { type: "strings", texts: folders }],
    [5011, { type: "int32", values: [SHA256] }],
  ];
}

/** RPM's number of the digest algorithm. */
export const SHA256 = 8;

export const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const folderOf = (entry: Entry): string => `/${dirname(entry.path)}/`;

function flagsOf(entry: Entry): number {
  if (entry.kind === "file" && entry.config) return CONFIG_NOREPLACE;
  return /^usr\/share\/(?:doc|man)\/.*[^/]$/.test(entry.path) && entry.kind === "file" ? DOCUMENT : 0;
}
