import { resolve } from "node:path";
import { readIfPresent, writeDurably } from "../../node/files.ts";
import { parseToml } from "../../node/toml.ts";
import { buildId, sha256Hex } from "../../shared/brand.ts";
import { utf8 } from "../../shared/bytes.ts";
import { Decoder } from "../../shared/decode.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue, jsonObject, parseJson } from "../../shared/json.ts";
import { byRelease } from "./releases.ts";
import {
  type ArchivePlace,
  type KernelArchive,
  type KernelList,
  type PackageFile,
  type ServedKernel,
  servedKernelToJson,
} from "./served_kernel.ts";

/*
 * The publisher's list of kernels (TOML 1.0), to be read by people and kept under version control. The tables [[archive]]
 * and remarks at its head are a person's, and stay byte for byte as they are; the tables [[kernel]] below the mark are
 * written by `kernels sync`.
 */

const MAX_FILE_BYTES = 16 << 20;
const MAX_ARCHIVES = 256;
/** The most kernels of a list. A distribution's archive has some hundred, with all flavours. */
export const MAX_KERNELS = 10_000;
const MAX_PATTERNS = 1024;
const MAX_PATH = 4096;

const MARK =
  "# The kernels that were found there. `rebootless-publish kernels sync` writes all that follows.";
const HEAD = `# The kernels that this publisher serves: where they come from, and which of them.
# \`rebootless-publish kernels --help\` says more.
`;

/** A list of kernels, with the text of the part that a person writes. */
export interface KernelsFile extends KernelList {
  readonly head: string;
}

/** Reads a list of kernels. One that is not there is empty. @throws RebootlessError `config`, `limit`. */
export async function readKernelsFile(path: string): Promise<KernelsFile> {
  const bytes = await readIfPresent(path);
  if (bytes === undefined) return { head: HEAD, archives: [], kernels: [] };
  if (bytes.length > MAX_FILE_BYTES)
    throw new RebootlessError("limit", `${path} has more than ${MAX_FILE_BYTES} bytes`);
  return parseKernels(Buffer.from(bytes).toString(), path);
}

/** Parses the text of a list of kernels. @throws RebootlessError `config`. */
export function parseKernels(text: string, path: string): KernelsFile {
  const list = listIn(text, path);
  const at = text.indexOf(MARK);
  const head = at < 0 ? text : text.slice(0, at).trimEnd();
  return { ...list, head: `${head.trimEnd()}\n` };
}

/** Writes a list of kernels, in the order of archives and releases. */
export async function writeKernelsFile(path: string, file: KernelsFile): Promise<void> {
  await writeDurably(resolve(path), kernelsText(file, path));
}

/** Returns the text of a list. @throws RebootlessError `config` if the head says something else than the archives. */
export function kernelsText({ head, archives, kernels }: KernelsFile, path: string): string {
  const said = listIn(head, path).archives;
  if (JSON.stringify(said) !== JSON.stringify(archives))
    throw new RebootlessError("config", `the archives of ${path} cannot be changed without losing remarks`, {
      hint: "Change the tables [[archive]] in the file yourself.",
    });
  const order = (a: ServedKernel, b: ServedKernel): number =>
    a.archive.localeCompare(b.archive) || byRelease(a, b) || a.buildId.localeCompare(b.buildId);
  return `${head.trimEnd()}\n\n${[MARK, ...[...kernels].sort(order).map(kernelText)].join("\n\n")}\n`;
}

/** Returns the head with another archive at its end. */
export const withArchive = (head: string, archive: KernelArchive): string =>
  `${head.trimEnd()}\n\n${archiveText(archive)}\n`;

/** Returns the head with an archive replaced, or without it. The remarks in its own table are lost. */
export function changedArchive(head: string, name: string, to: KernelArchive | undefined): string {
  const parts = head.split(/^(?=\[\[archive\]\])/m);
  const changed = parts.map((part) => {
    if (!part.startsWith("[[archive]]") || listIn(part, "the table").archives[0]?.name !== name) return part;
    return to === undefined ? "" : `${archiveText(to)}\n\n`;
  });
  return `${changed.join("").trimEnd()}\n`;
}

function archiveText({ name, place, ...which }: KernelArchive): string {
  const from = place.kind === "folder" ? { folder: place.path } : { apt: place.suites };
  const chosen = Object.entries(which).filter(([, patterns]) => patterns.length > 0);
  return tableText("archive", jsonObject({ name, ...from, ...Object.fromEntries(chosen) }));
}

/** A kernel whose modules are in the package with the image needs no line for them. */
function kernelText(kernel: ServedKernel): string {
  const members = [...servedKernelToJson(kernel)].filter(
    ([key]) => key !== "modules" || kernel.modules.length > 0,
  );
  return tableText("kernel", new Map(members));
}

const tableText = (name: string, members: JsonObject): string =>
  [`[[${name}]]`, ...[...members].map(([key, value]) => `${key} = ${tomlText(value)}`)].join("\n");

/** Writes a value in one line of TOML. Texts in its quotes are escaped as in JSON. */
function tomlText(value: JsonValue): string {
  if (isJsonObject(value))
    return `{ ${[...value].map(([key, member]) => `${key} = ${tomlText(member)}`).join(", ")} }`;
  return Array.isArray(value) ? `[${value.map(tomlText).join(", ")}]` : JSON.stringify(value);
}

function listIn(text: string, path: string): KernelList {
  const json = utf8(JSON.stringify(parseToml(text, path)));
  const list = new Decoder(parseJson(json, path, json.length), path);
  try {
    onlyKeys(list, ["archive", "kernel"]);
    const archives = list.get("archive").optional((all) => all.array(MAX_ARCHIVES).map(archiveIn)) ?? [];
    const kernels = list.get("kernel").optional((all) => all.array(MAX_KERNELS).map(kernelIn)) ?? [];
    const twice = archives.find(({ name }, at) => archives.findIndex((one) => one.name === name) < at);
    if (twice !== undefined) list.get("archive").fail(`two archives are called ${twice.name}`);
    return { archives, kernels };
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new RebootlessError("config", problem, { cause });
  }
}

function archiveIn(table: Decoder): KernelArchive {
  onlyKeys(table, ["name", "apt", "folder", "releases", "flavours", "except"]);
  const texts = (name: string): readonly string[] =>
    table.get(name).optional((all) => all.array(MAX_PATTERNS).map((text) => text.line())) ?? [];
  return {
    name: archiveName(table.get("name")),
    place: placeIn(table, texts),
    releases: texts("releases"),
    flavours: texts("flavours"),
    except: texts("except"),
  };
}

/** The form of the name of an archive. */
export const ARCHIVE_NAME = /^[a-z0-9][a-z0-9.-]{0,63}$/;

const archiveName = (text: Decoder): string =>
  text.matching(ARCHIVE_NAME, "the name of an archive (a-z, 0-9, . and -)");

function placeIn(table: Decoder, texts: (name: string) => readonly string[]): ArchivePlace {
  const path = table.get("folder").optional((text) => text.line(MAX_PATH));
  if (path !== undefined && table.get("apt").value !== undefined)
    table.fail("an archive is either of apt or a folder");
  if (path !== undefined) return { kind: "folder", path };
  table.get("apt").array(MAX_PATTERNS);
  return { kind: "apt", suites: texts("apt") };
}

function kernelIn(table: Decoder): ServedKernel {
  onlyKeys(table, [
    ...["release", "build_id", "archive", "distribution", "purl", "compiler"],
    ...["image", "modules", "headers", "source"],
  ]);
  return {
    release: table.get("release").matching(/^[\w.+~-]{1,64}$/, "a release"),
    buildId: table.get("build_id").as(buildId),
    archive: archiveName(table.get("archive")),
    distribution: table.get("distribution").optional((text) => text.line()),
    purl: table.get("purl").matching(/^pkg:[\x21-\x7e]+$/, "a package URL"),
    compiler: table.get("compiler").optional((text) => text.line()),
    image: packageIn(table.get("image")),
    modules: table.get("modules").optional((all) => all.array(MAX_PATTERNS).map(packageIn)) ?? [],
    headers: table.get("headers").optional(packageIn),
    source: table.get("source").optional(packageIn),
  };
}

function packageIn(table: Decoder): PackageFile {
  onlyKeys(table, ["package", "version", "file", "bytes", "sha256"]);
  return {
    package: table.get("package").matching(/^[a-z0-9][\w.+-]*$/, "the name of a package"),
    version: table.get("version").matching(/^[\w.+:~-]+$/, "the version of a package"),
    file: table.get("file").matching(/^[\w+%~-][\w.+%~-]*$/, "the name of a file"),
    bytes: table.get("bytes").integer(1),
    sha256: table.get("sha256").as(sha256Hex),
  };
}

function onlyKeys(table: Decoder, keys: readonly string[]): void {
  for (const key of table.object().keys())
    if (!keys.includes(key)) table.fail(`unknown key ${key}; there are ${keys.join(", ")}`);
}
