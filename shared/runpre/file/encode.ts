import type { TextOffset } from "../../brand.ts";
import { concatBytes, fromHex } from "../../bytes.ts";
import type { FunctionFingerprint } from "../fingerprint.ts";
import type { PatchingLandmarks } from "../landmarks.ts";
import { foldLocator } from "../locator.ts";
import type { AlternativeSite, Site } from "../sites/site_kinds.ts";
import { encodeAlternative, joinAlternatives } from "./alternatives.ts";
import { encodeFunctionIndex } from "./function_index.ts";
import { encodeHeader, type FileHeader } from "./header.ts";
import { joinParts } from "./layout.ts";
import { encodeNames } from "./names.ts";
import { encodeVariables, variablesOf } from "./variables.ts";
import { pushSites, type SiteNumbers } from "./write_sites.ts";

/**
 * The bytes of a stored digest, the first half of a SHA-256. To find other code with the same half takes
 * 2^128 tries, as many as to forge a signature.
 */
export const DIGEST_BYTES = 16;

/**
 * Writes a fingerprint file (docs/fingerprint-file.md).
 * @param functions the functions as the publisher makes them, in the order of their offsets, without
 * overlaps.
 * @throws ParseError for what the format cannot express.
 */
export function encodeFingerprints(
  header: FileHeader,
  functions: readonly FunctionFingerprint[],
): Uint8Array {
  const variables = variableNumbers(functions);
  const alternatives = alternativeNumbers(functions, variables.number);
  const numbers: SiteNumbers = { variable: variables.number, alternative: alternatives.number };
  const sites = functions.map((fn) => {
    const out: number[] = [];
    pushSites(out, fn.sites, numbers);
    return Uint8Array.from(out);
  });
  const parts = {
    header: encodeHeader(header),
    variables: variables.part,
    alternatives: alternatives.part,
    index: encodeFunctionIndex(
      functions,
      sites.map(({ length }) => length),
    ),
    names: encodeNames(functions.map(({ name }) => name)),
    digests: concatBytes(functions.map(({ sha256 }) => fromHex(sha256).subarray(0, DIGEST_BYTES))),
    locators: concatBytes(functions.map(({ locator }) => foldLocator(locator))),
    sites: concatBytes(sites),
  };
  return joinParts(parts, isNewer(header.landmarks.patching, functions) ? 2 : 1);
}

/** Reports whether a host that knows only the first version would compare wrongly. */
function isNewer(
  patching: PatchingLandmarks | undefined,
  functions: readonly FunctionFingerprint[],
): boolean {
  return (
    (patching?.staticCalls?.inlined.length ?? 0) > 0 ||
    patching?.retpolines?.prefixed === true ||
    patching?.callDepth?.movesWithKernel === true ||
    patching?.callDepth?.beforeAlternatives === true ||
    allSites(functions).some(({ kind }) => kind === "runtime_mask")
  );
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
