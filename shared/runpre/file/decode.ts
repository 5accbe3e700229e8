import { type Sha256Half, type TextOffset, textOffset } from "../../brand.ts";
import { ByteReader } from "../../byte_reader.ts";
import { toHex } from "../../bytes.ts";
import { counted } from "../../counted.ts";
import { ParseError } from "../../errors.ts";
import type { FunctionFingerprint } from "../fingerprint.ts";
import { decodeAlternatives } from "./alternatives.ts";
import { DIGEST_BYTES } from "./encode.ts";
import { decodeFunctionIndex, type FunctionIndex } from "./function_index.ts";
import { decodeHeader, type FileHeader } from "./header.ts";
import { type Parts, splitParts } from "./layout.ts";
import { decodeNames } from "./names.ts";
import { readSites, type SiteTables } from "./read_sites.ts";
import { StoredFunction } from "./stored_function.ts";
import { decodeVariables } from "./variables.ts";

/** An opened fingerprint file: an index, with which functions are decoded one by one. */
export interface FingerprintFile extends FileHeader {
  readonly count: number;
  /**
   * Returns one of the functions, which are in the order of their offsets.
   * @throws ParseError if it is malformed.
   */
  at(i: number): FunctionFingerprint;
  /** Returns the name of that function without the rest. `offset` returns its place. */
  name(i: number): string;
  offset(i: number): TextOffset;
  functions(): Generator<FunctionFingerprint>;
}

/**
 * Opens a file without copying it, so its bytes must not change. Besides them it needs a few numbers for each
 * function.
 * @throws ParseError
 * @throws RebootlessError `limit`
 * @throws RebootlessError `unsupported`
 */
export function openFingerprints(bytes: Uint8Array): FingerprintFile {
  // Views of a Buffer are Buffers, which are slow to create and to read.
  const parts = splitParts(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
  const count = parts.digests.length / DIGEST_BYTES;
  if (!Number.isInteger(count)) throw new ParseError("the digests of a fingerprint file are incomplete");
  const index = decodeFunctionIndex(parts.index, count);
  requireLength("locators", parts.locators, index.locators[count]);
  requireLength("sites", parts.sites, index.sites[count]);
  const name = decodeNames(parts.names, count);
  const at = functionReader(parts, index, name);
  return {
    ...decodeHeader(parts.header),
    count,
    at,
    name,
    offset: (i) => textOffset(index.offsets[i] ?? 0),
    *functions() {
      for (let i = 0; i < count; i++) yield at(i);
    },
  };
}

function requireLength(what: string, part: Uint8Array, expected = 0): void {
  if (part.length === expected) return;
  throw new ParseError(
    `the ${what} of a fingerprint file have ${counted(part.length, "byte")}, its functions need ${expected}`,
  );
}

function functionReader(
  parts: Parts,
  index: FunctionIndex,
  name: FingerprintFile["name"],
): FingerprintFile["at"] {
  const variable = decodeVariables(parts.variables);
  const tables: SiteTables = { variable, alternative: decodeAlternatives(parts.alternatives, variable) };
  const reader = new ByteReader(parts.sites, "sites of a fingerprint file");
  const source = { index, name, locators: parts.locators };
  return (i) => {
    const size = index.sizes[i];
    const end = index.sites[i + 1];
    if (size === undefined || end === undefined) throw new RangeError(`function ${i} of ${index.count}`);
    reader.seek(index.sites[i] ?? 0);
    return new StoredFunction(
      source,
      i,
      toHex(parts.digests, DIGEST_BYTES * i, DIGEST_BYTES * (i + 1)) as Sha256Half,
      readSites(reader, end, size, tables),
    );
  };
}
