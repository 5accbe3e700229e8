import { sha256Of } from "../../node/crypto.ts";
import { unpackedChunks } from "../../node/unpack.ts";
import { ByteStream } from "../../shared/archive/byte_stream.ts";
import { cpioFiles } from "../../shared/archive/cpio.ts";
import { ByteReader } from "../../shared/byte_reader.ts";
import { equalBytes } from "../../shared/bytes.ts";
import { stringAt } from "../../shared/elf/strings.ts";
import { ParseError, RebootlessError } from "../../shared/errors.ts";
import { bytes, struct, u32be } from "../../shared/struct.ts";
import type { KernelInput } from "./kernel_input.ts";
import { MAX_PACKAGE_UNPACKED, PackageFiles, type WantedPaths } from "./package_files.ts";

/*
 * A package of rpm (the RPM package manager's "Package format" V4): a lead, which means nothing today, the signature
 * header, the header, and the files as a compressed cpio archive. Both headers are a table of tags. The signature header
 * has the digest of the header, and the header has that of the archive.
 */

const LEAD = 96;
const LEAD_MAGIC = Uint8Array.of(0xed, 0xab, 0xee, 0xdb);
const HEADER_MAGIC = Uint8Array.of(0x8e, 0xad, 0xe8, 0x01);
const HEADER = struct(16, { magic: bytes(0, 4), entries: u32be(8), size: u32be(12) });
const ENTRY = struct(16, { tag: u32be(0), type: u32be(4), offset: u32be(8), count: u32be(12) });
/** The largest header, in bytes. It has the paths of all files: that of 10,000 modules has 3 MB. */
const MAX_HEADER = 64 << 20;
const MAX_ENTRIES = 4096;
/** The signature header is filled up to a multiple of this. */
const SIGNATURE_ALIGNMENT = 8;

const NAME_TAG = { name: 1000, version: 1001, release: 1002, architecture: 1022 };
const TAG = { payloadFormat: 1124, payloadCompressor: 1125, payloadDigest: 5092, digestAlgorithm: 5093 };
const SIGNATURE_TAG = { sha256: 273 };
/** The number of SHA-256 among the algorithms of OpenPGP (RFC 9580, section 9.5). */
const SHA256 = 8;
const COMPRESSORS: readonly string[] = ["gzip", "xz", "zstd"];

export const isRpm = (file: Uint8Array): boolean =>
  equalBytes(file.subarray(0, LEAD_MAGIC.length), LEAD_MAGIC);

/**
 * Reads the kernel and modules of an rpm package. What it says of its own digests must be true; whose package it is, its
 * signature would tell, which is not looked at.
 * @throws ParseError, RebootlessError `limit`, `usage`, `unsupported`.
 */
export async function readRpm(file: Uint8Array, wants: WantedPaths | undefined): Promise<KernelInput> {
  const header = tagsOf(file);
  const payload = file.subarray(header.end);
  if (header.number(TAG.digestAlgorithm) !== SHA256)
    throw new RebootlessError("unsupported", "rpm: the archive of files has no SHA-256", {
      hint: "Packages of rpm since 4.14 have one.",
    });
  requireDigest("archive of files", payload, header.text(TAG.payloadDigest));
  const format = header.text(TAG.payloadFormat);
  const compressor = header.text(TAG.payloadCompressor) ?? "gzip";
  if (format !== "cpio" || !COMPRESSORS.includes(compressor))
    throw new RebootlessError("unsupported", `rpm: files in ${format}, compressed with ${compressor}`, {
      hint: `Handled is cpio, compressed with ${COMPRESSORS.join(", ")}. Give the unpacked package: rpm2cpio FILE | cpio -id.`,
    });
  const chunks = unpackedChunks(payload, MAX_PACKAGE_UNPACKED);
  const stream = new ByteStream(chunks, "package", MAX_PACKAGE_UNPACKED);
  const files = new PackageFiles(wants);
  for await (const one of cpioFiles(stream, (path, size) => files.isKept(path, size))) files.add(one);
  return files.found;
}

/** How an rpm package is called. */
export interface RpmName {
  readonly name: string;
  readonly version: string;
  readonly release: string;
  readonly architecture: string;
}

/** Reads how a package is called. @throws ParseError, RebootlessError `limit`. */
export function rpmName(file: Uint8Array): RpmName {
  const header = tagsOf(file);
  const text = (tag: keyof typeof NAME_TAG): string => {
    const found = header.text(NAME_TAG[tag]);
    if (found === undefined) throw new ParseError(`rpm: the header has no ${tag}`);
    return found;
  };
  return {
    name: text("name"),
    version: text("version"),
    release: text("release"),
    architecture: text("architecture"),
  };
}

/** Reads the header with the tags of the package, which must be what the signature header says. */
function tagsOf(file: Uint8Array): Header {
  const signature = readHeader(file, LEAD);
  const start = Math.ceil(signature.end / SIGNATURE_ALIGNMENT) * SIGNATURE_ALIGNMENT;
  const header = readHeader(file, start);
  requireDigest("header", file.subarray(start, header.end), signature.text(SIGNATURE_TAG.sha256));
  return header;
}

function requireDigest(what: string, content: Uint8Array, digest: string | undefined): void {
  if (digest === undefined)
    throw new RebootlessError("unsupported", `rpm: the ${what} has no SHA-256`, {
      hint: "Packages of rpm since 4.14 have one.",
    });
  if (sha256Of(content) !== digest) throw new ParseError(`rpm: the ${what} is not what its SHA-256 says`);
}

interface Header {
  /** Where it ends in the file. */
  readonly end: number;
  /** Returns the first text of a tag. */
  text(tag: number): string | undefined;
  /** Returns the first number of a tag. */
  number(tag: number): number | undefined;
}

function readHeader(file: Uint8Array, start: number): Header {
  const reader = new ByteReader(file, "rpm header", start);
  const fields = HEADER.view(reader.take(HEADER.size), "rpm header");
  if (!equalBytes(fields("magic"), HEADER_MAGIC)) throw new ParseError("rpm: no header where one must be");
  const [entries, size] = [fields("entries"), fields("size")];
  if (entries > MAX_ENTRIES || size > MAX_HEADER)
    throw new RebootlessError("limit", `rpm: a header of ${entries} entries and ${size} bytes`);
  const index = reader.take(entries * ENTRY.size);
  const store = reader.take(size);
  const placeOf = (tag: number): number | undefined => {
    for (let at = 0; at < index.length; at += ENTRY.size) {
      const entry = ENTRY.view(index.subarray(at), "rpm entry");
      if (entry("tag") === tag) return entry("offset");
    }
    return undefined;
  };
  const at = <T>(tag: number, read: (place: number) => T): T | undefined => {
    const place = placeOf(tag);
    return place === undefined ? undefined : read(place);
  };
  return {
    end: reader.position,
    text: (tag) => at(tag, (place) => stringAt(store, place, "text of an rpm header")),
    number: (tag) => at(tag, (place) => new ByteReader(store, "number of an rpm header", place).u32be()),
  };
}
