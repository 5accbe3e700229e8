import type { Sha256Hex, TextOffset } from "../../brand.ts";
import { concatBytes, fromHex } from "../../bytes.ts";
import type { FunctionFingerprint } from "../fingerprint.ts";
import { foldLocator } from "../locator.ts";
import type { AlternativeSite, Site } from "../sites/site_kinds.ts";
import { encodeAlternative, joinAlternatives } from "./alternatives.ts";
import { encodeFunctionIndex } from "./function_index.ts";
import { encodeHeader, type FileHeader } from "./header.ts";
import { joinParts } from "./layout.ts";
import { encodeNames } from "./names.ts";
import { divideIntoRuns } from "./runs.ts";
import { encodeVariables, variablesOf } from "./variables.ts";
import { pushSites, type SiteNumbers } from "./write_sites.ts";

/**
 * The bytes of a stored digest, the first half of a SHA-256. To find other code with the same half takes
 * 2^128 tries, as many as to forge a signature.
 */
export const DIGEST_BYTES = 16;

/** Returns the digest of the functions of a run: of the bytes that their own digests are of, put together. */
export type DigestOfRun = (functions: readonly FunctionFingerprint[]) => Sha256Hex;

/**
 * Writes a fingerprint file (docs/fingerprint-file.md).
 * @param functions the functions as the publisher makes them, in the order of their offsets, without
 * overlaps.
 * @param digestOfRun absent for a file without runs, whose functions hosts compare one by one.
 * @throws ParseError for what the format cannot express.
 */
export function encodeFingerprints(
  header: FileHeader,
  functions: readonly FunctionFingerprint[],
  digestOfRun?: DigestOfRun,
): Uint8Array {
  const variables = variableNumbers(functions);
  const alternatives = alternativeNumbers(functions, variables.number);
  const numbers: SiteNumbers = { variable: variables.number, alternative: alternatives.number };
  const sites = functions.map((fn) => {
    const out: number[] = [];
    pushSites(out, fn.sites, numbers);
    return Uint8Array.from(out);
  });
  const digests = functions.map(({ sha256 }) => stored(sha256));
  return joinParts({
    header: encodeHeader(header),
    variables: variables.part,
    alternatives: alternatives.part,
    index: encodeFunctionIndex(
      functions,
      sites.map(({ length }) => length),
      digests,
    ),
    names: encodeNames(functions.map(({ name }) => name)),
    digests: concatBytes([...new Set(digests)].map(fromHex)),
    locators: concatBytes(functions.map(({ locator }) => foldLocator(locator))),
    sites: concatBytes(sites),
    runs: digestOfRun ? encodeRuns(functions, digestOfRun) : new Uint8Array(),
  });
}

const stored = (sha256: string): string => sha256.slice(0, 2 * DIGEST_BYTES);

function encodeRuns(functions: readonly FunctionFingerprint[], digestOfRun: DigestOfRun): Uint8Array {
  const starts = divideIntoRuns({
    count: functions.length,
    offsets: functions.map(({ offset }) => offset),
    sizes: functions.map(({ size }) => size),
  });
  const runs = starts.slice(0, -1).map((start, run) => functions.slice(start, starts[run + 1]));
  return concatBytes(runs.map((run) => fromHex(stored(digestOfRun(run)))));
}

const allSites = (functions: readonly FunctionFingerprint[]): readonly Site[] =>
  functions.flatMap(({ sites }) => sites);

function variableNumbers(functions: readonly FunctionFingerprint[]) {
  const offsets = new Set<TextOffset>();
  for (const site of allSites(functions)) for (const offset of variablesOf(site)) offsets.add(offset);
  const rising = [...offsets].sort((a, b) => a - b);
  const numbers = new Map(rising.map((offset, i) => [offset, i] as const));
  return {
    part: encodeVariables(rising),
    number: (offset: TextOffset): number => numbers.get(offset) ?? -1,
  };
}

/** Numbers the alternatives, the most frequent first, because small numbers take fewer bytes. */
function alternativeNumbers(functions: readonly FunctionFingerprint[], variable: SiteNumbers["variable"]) {
  const keyed = new Map<AlternativeSite, string>();
  const records = new Map<string, { readonly record: Uint8Array; uses: number }>();
  for (const site of allSites(functions)) {
    if (site.kind !== "alternative") continue;
    const record = encodeAlternative(site, { variable, alternative: () => -1 });
    const key = String.fromCharCode(...record);
    const known = records.get(key);
    if (known) known.uses++;
    else records.set(key, { record, uses: 1 });
    keyed.set(site, key);
  }
  const frequent = [...records].sort(([, a], [, b]) => b.uses - a.uses);
  const numbers = new Map(frequent.map(([key], i) => [key, i] as const));
  return {
    part: joinAlternatives(frequent.map(([, { record }]) => record)),
    number: (site: AlternativeSite): number => numbers.get(keyed.get(site) ?? "") ?? -1,
  };
}
