import { type Sha256Half, type TextOffset, textOffset } from "../../brand.ts";
import { ByteReader } from "../../byte_reader.ts";
import { toHex } from "../../bytes.ts";
import { counted } from "../../counted.ts";
import { ParseError } from "../../errors.ts";
import type { FunctionFingerprint } from "../fingerprint.ts";
import type { AlternativeForm } from "../sites/site_kinds.ts";
import { decodeAlternatives, splitAlternatives } from "./alternatives.ts";
import { DIGEST_BYTES } from "./encode.ts";
import { decodeFunctionIndex, type FunctionIndex } from "./function_index.ts";
import { decodeHeader, type FileHeader } from "./header.ts";
import { FILE_VERSION, splitParts } from "./layout.ts";
import { decodeLocators, locatorBytes } from "./locators.ts";
import { decodeNames } from "./names.ts";
import { readSites, type SiteTables, type SiteVisitor, visitSites } from "./read_sites.ts";
import { divideIntoRuns } from "./runs.ts";
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
  /** Returns the name of that function without the rest. `offset` and `size` return its place. */
  name(i: number): string;
  offset(i: number): TextOffset;
  size(i: number): number;
  functions(): Generator<FunctionFingerprint>;
  /** The digests of neighbouring functions together; null if the file has none. */
  readonly runs: FunctionRuns | null;
}

/** The runs of a file (runs.ts). */
export interface FunctionRuns {
  readonly count: number;
  /** Returns the number of a run's first function. Run `count` begins after the last function. */
  first(run: number): number;
  /** Returns the place of a run, and its length in bytes. */
  offset(run: number): TextOffset;
  length(run: number): number;
  digest(run: number): Sha256Half;
  /**
   * Returns a function that shows the functions of a run with their sites.
   * @throws ParseError, by that function, if they are malformed.
   */
  shownTo(visitor: RunVisitor): (run: number) => void;
}

/** Is shown functions one after the other, and the sites of each. */
export interface RunVisitor extends SiteVisitor {
  /** Begins with the function at an offset from `_text`. */
  enter(offset: number): void;
  /** Returns the form of an alternative that is in force. The site is shown with that form alone. */
  choose(forms: readonly AlternativeForm[]): AlternativeForm;
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
  const { parts, version } = splitParts(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
  const ownDigests = Math.floor(parts.digests.length / DIGEST_BYTES);
  const index = decodeFunctionIndex(parts.index, version === FILE_VERSION ? undefined : ownDigests);
  const { count } = index;
  requireLength("digests", parts.digests, DIGEST_BYTES * index.distinct);
  requireLength("locators", parts.locators, locatorBytes(index.sizes));
  requireLength("sites", parts.sites, index.sites[count]);
  const variable = decodeVariables(parts.variables);
  const alternatives = splitAlternatives(parts.alternatives);
  const tables = { variable, alternative: decodeAlternatives(alternatives, variable, (forms) => forms) };
  const reader = new ByteReader(parts.sites, "sites of a fingerprint file");
  const name = decodeNames(parts.names, count);
  const source = { index, name, locator: decodeLocators(parts.locators, index.sizes) };
  const at = (i: number): FunctionFingerprint => {
    const size = index.sizes[i];
    const end = index.sites[i + 1];
    if (size === undefined || end === undefined) throw new RangeError(`function ${i} of ${count}`);
    reader.seek(index.sites[i] ?? 0);
    const digest = digestAt(parts.digests, index.digests[i] ?? 0);
    return new StoredFunction(source, i, digest, readSites(reader, end, size, tables));
  };
  return {
    ...decodeHeader(parts.header),
    count,
    at,
    name,
    offset: (i) => textOffset(index.offsets[i] ?? 0),
    size: (i) => index.sizes[i] ?? 0,
    *functions() {
      for (let i = 0; i < count; i++) yield at(i);
    },
    runs: parts.runs.length === 0 ? null : decodeRuns(parts.runs, index, reader, { variable, alternatives }),
  };
}

function requireLength(what: string, part: Uint8Array, expected = 0): void {
  if (part.length === expected) return;
  throw new ParseError(
    `the ${what} of a fingerprint file have ${counted(part.length, "byte")}, its functions need ${expected}`,
  );
}

const digestAt = (digests: Uint8Array, number: number): Sha256Half =>
  toHex(digests, DIGEST_BYTES * number, DIGEST_BYTES * (number + 1)) as Sha256Half;

interface StoredTables {
  readonly variable: SiteTables["variable"];
  readonly alternatives: readonly Uint8Array[];
}

function decodeRuns(
  digests: Uint8Array,
  index: FunctionIndex,
  reader: ByteReader,
  { variable, alternatives }: StoredTables,
): FunctionRuns {
  const { offsets, sizes, sites } = index;
  const starts = divideIntoRuns(index);
  const count = starts.length - 1;
  requireLength("runs", digests, DIGEST_BYTES * count);
  const first = (run: number): number => starts[run] ?? 0;
  const offset = (run: number): TextOffset => textOffset(offsets[first(run)] ?? 0);
  return {
    count,
    first,
    offset,
    length(run) {
      const last = first(run + 1) - 1;
      return (offsets[last] ?? 0) + (sizes[last] ?? 0) - offset(run);
    },
    digest: (run) => digestAt(digests, run),
    shownTo(visitor) {
      const inForce = (forms: readonly AlternativeForm[]) => [{ ...visitor.choose(forms), condition: null }];
      const tables = { variable, alternative: decodeAlternatives(alternatives, variable, inForce) };
      return (run) => {
        const end = first(run + 1);
        reader.seek(sites[first(run)] ?? 0);
        for (let i = first(run); i < end; i++) {
          visitor.enter(offsets[i] ?? 0);
          visitSites(reader, sites[i + 1] ?? 0, sizes[i] ?? 0, tables, visitor);
        }
      };
    },
  };
}
