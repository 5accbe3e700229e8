import { sha256Hex, textOffset } from "../brand.ts";
import { fromBase64, toBase64 } from "../bytes.ts";
import { Decoder } from "../decode.ts";
import { type JsonObject, type JsonValue, jsonObject } from "../json.ts";
import {
  type FunctionFingerprint,
  MAX_FUNCTION_NAME,
  MAX_FUNCTION_SITES,
  MAX_FUNCTION_SIZE,
  SITE_KINDS,
  SITE_LENGTH,
  type Site,
  type SiteKind,
} from "./fingerprint.ts";
import { locatorLength } from "./locator.ts";

const MEMBERS = new Set(["name", "offset", "size", "sha256", "locator", "sites"]);
const MAX_TEXT_OFFSET = 0x4000_0000 - 1;

/** { name, offset, size, sha256, locator (base64), sites: { kind: [at, ...] } }; kinds without sites are left out. */
export function fingerprintToJson(fingerprint: FunctionFingerprint): JsonObject {
  const sites = SITE_KINDS.map(
    (kind) => [kind, fingerprint.sites.filter((s) => s.kind === kind).map((s) => s.at)] as const,
  );
  return jsonObject({
    name: fingerprint.name,
    offset: fingerprint.offset,
    size: fingerprint.size,
    sha256: fingerprint.sha256,
    locator: toBase64(fingerprint.locator),
    sites: jsonObject(Object.fromEntries(sites.filter(([, places]) => places.length > 0))),
  });
}

/**
 * Strict: an unknown member or kind of site is refused, as an old host that skipped one would compare wrongly.
 * @throws ParseError naming the path under `where`.
 */
export function fingerprintFromJson(
  value: JsonValue | undefined,
  where = "fingerprint",
): FunctionFingerprint {
  const decoder = new Decoder(value, where);
  for (const [name, member] of decoder.entries(MEMBERS.size)) {
    if (!MEMBERS.has(name)) member.fail("not a member of a fingerprint");
  }
  const offset = textOffset(decoder.get("offset").integer(0, MAX_TEXT_OFFSET));
  const size = decoder.get("size").integer(1, MAX_FUNCTION_SIZE);
  const locatorAt = decoder.get("locator");
  const locator = locatorAt.as(fromBase64, 4 * Math.ceil(locatorLength(size) / 3));
  if (locator.length !== locatorLength(size))
    locatorAt.fail(`${locator.length} bytes do not fit ${size} of code`);
  return {
    name: decoder.get("name").string(MAX_FUNCTION_NAME),
    offset,
    size,
    sha256: decoder.get("sha256").as(sha256Hex),
    locator,
    sites: decodeSites(decoder.get("sites"), size),
  };
}

function decodeSites(decoder: Decoder, size: number): readonly Site[] {
  const sites = decoder
    .entries(SITE_KINDS.length)
    .flatMap(([name, places]) => decodeKind(places, siteKind(name, places), size))
    .sort((a, b) => a.at - b.at);
  if (sites.length > MAX_FUNCTION_SITES) decoder.fail(`${sites.length} sites, at most ${MAX_FUNCTION_SITES}`);
  sites.reduce((end, { kind, at }) => {
    if (at < end) decoder.fail(`the ${kind} site at ${at} overlaps the one before it`);
    return at + SITE_LENGTH[kind];
  }, 0);
  return sites;
}

const siteKind = (name: string, at: Decoder): SiteKind =>
  SITE_KINDS.find((kind) => kind === name) ?? at.fail("not a kind of site that this version knows");

/** Strictly rising, so that a list has one form only. */
function decodeKind(decoder: Decoder, kind: SiteKind, size: number): readonly Site[] {
  const places = decoder.array(MAX_FUNCTION_SITES).map((place) => place.integer(0, size - SITE_LENGTH[kind]));
  if (places.length === 0) decoder.fail("an empty list; a kind without sites is left out");
  if (places.some((at, i) => i > 0 && at <= (places[i - 1] ?? 0))) decoder.fail("the places do not rise");
  return places.map((at) => ({ kind, at }));
}
