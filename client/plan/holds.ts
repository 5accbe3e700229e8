import { type UpdateId, updateId } from "../../shared/brand.ts";
import { Decoder } from "../../shared/decode.ts";
import { ParseError } from "../../shared/errors.ts";
import { isCve, type Update } from "../../shared/feed/update.ts";
import { encodeJson, jsonObject, parseJson } from "../../shared/json.ts";
import { formatInstant, type Instant, parseInstant } from "../../shared/time.ts";

/** An administrator's decision that an update, or every update that fixes a CVE, is not to be applied. */
export interface Hold {
  /** An update's id or a CVE's number. An id is lower-case and a number is not, so that they cannot be confused. */
  readonly what: string;
  readonly reason: string | null;
  readonly since: Instant;
}

/** A host that holds more than this is better served by `mode = "check"`. */
const MAX_HOLDS = 4096;
/** A hold has three members. */
const MAX_VALUES = 8 * MAX_HOLDS;

/** Reads an update's id or a CVE's number. @throws ParseError for anything else. */
export function heldName(text: string): string {
  if (isCve(text) || isUpdateId(text)) return text;
  throw new ParseError(`neither an update's id nor a CVE's number: ${JSON.stringify(text.slice(0, 80))}`);
}

function isUpdateId(text: string): text is UpdateId {
  try {
    return updateId(text) === text;
  } catch {
    return false;
  }
}

/** Returns the hold that an update is under, if there is one. */
export const holdOf = ({ id, cves }: Update, holds: readonly Hold[]): Hold | undefined =>
  holds.find(({ what }) => what === id || cves.includes(what));

/** Returns the updates that a hold concerns, applied or not. */
export const heldBy = ({ what }: Hold, updates: readonly Update[]): readonly UpdateId[] =>
  updates.filter(({ id, cves }) => what === id || cves.includes(what)).map(({ id }) => id);

/** Decodes the holds of a host. @throws ParseError */
export function decodeHolds(bytes: Uint8Array): readonly Hold[] {
  const document = new Decoder(parseJson(bytes, "holds", MAX_VALUES), "holds");
  document.get("format").literal(1);
  return document
    .get("holds")
    .array(MAX_HOLDS)
    .map((hold) => ({
      what: hold.get("what").as(heldName),
      reason: hold.get("reason").nullable((reason) => reason.string()),
      since: hold.get("since").as(parseInstant),
    }));
}

export const encodeHolds = (holds: readonly Hold[]): Uint8Array =>
  encodeJson(jsonObject({ format: 1, holds: holds.map((hold) => holdToJson(hold)) }));

/**
 * Encodes a hold as JSON.
 * @param updates the updates that the hold concerns; left out where only the hold itself is wanted.
 */
export const holdToJson = ({ what, reason, since }: Hold, updates?: readonly UpdateId[]) =>
  jsonObject({ what, reason, since: formatInstant(since), updates });
