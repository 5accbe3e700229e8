import { sha256Hex, TEXT_OFFSETS, textOffset } from "../brand.ts";
import { fromBase64, toBase64 } from "../bytes.ts";
import { counted } from "../counted.ts";
import { Decoder } from "../decode.ts";
import { type JsonObject, type JsonValue, jsonObject } from "../json.ts";
import {
  type FunctionFingerprint,
  MAX_FUNCTION_NAME,
  MAX_FUNCTION_SITES,
  MAX_FUNCTION_SIZE,
} from "./fingerprint.ts";
import { locatorLength } from "./locator.ts";
import { decodeSites, sitesToJson } from "./sites_json.ts";

const MEMBERS = new Set(["name", "offset", "size", "sha256", "locator", "sites"]);

/** Writes { name, offset, size, sha256, locator (base64), sites: see sites_json.ts }. */
export function fingerprintToJson(fingerprint: FunctionFingerprint): JsonObject {
  return jsonObject({
    name: fingerprint.name,
    offset: fingerprint.offset,
    size: fingerprint.size,
    sha256: fingerprint.sha256,
    locator: toBase64(fingerprint.locator),
    sites: sitesToJson(fingerprint.sites),
  });
}

/**
 * Reads a fingerprint strictly: an unknown member or kind of site is refused, because an old host that
 * skipped it would compare wrongly.
 * @throws ParseError with the path under `where`.
 */
export function fingerprintFromJson(
  value: JsonValue | undefined,
  where = "fingerprint",
): FunctionFingerprint {
  const decoder = new Decoder(value, where);
  for (const [name, member] of decoder.entries(MEMBERS.size)) {
    if (!MEMBERS.has(name)) member.fail("not a member of a fingerprint");
  }
  const offset = textOffset(decoder.get("offset").integer(0, TEXT_OFFSETS - 1));
  const size = decoder.get("size").integer(1, MAX_FUNCTION_SIZE);
  const locatorAt = decoder.get("locator");
  const locator = locatorAt.as(fromBase64, 4 * Math.ceil(locatorLength(size) / 3));
  if (locator.length !== locatorLength(size))
    locatorAt.fail(
      `a length of ${counted(locator.length, "byte")} does not fit ${counted(size, "byte")} of code`,
    );
  return {
    name: decoder.get("name").line(MAX_FUNCTION_NAME),
    offset,
    size,
    sha256: decoder.get("sha256").as(sha256Hex),
    locator,
    sites: decodeSites(decoder.get("sites"), size, MAX_FUNCTION_SITES),
  };
}
