import { createHash } from "node:crypto";
import { type ObjectName, objectName, type UpdateId, updateId } from "../../shared/brand.ts";
import { Decoder } from "../../shared/decode.ts";
import { isCode, ParseError } from "../../shared/errors.ts";
import { encodeJson, type JsonObject, jsonObject, parseJson } from "../../shared/json.ts";
import { formatInstant, type Instant, parseInstant } from "../../shared/time.ts";

/** The id of one boot, from /proc/sys/kernel/random/boot_id. */
export type BootId = string & { readonly brand: "BootId" };

/** @throws ParseError. */
export function bootId(text: string): BootId {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) throw new ParseError("not a boot id");
  return text as BootId;
}

export type Act = "apply" | "undo";

/** The record that is written before the kernel is changed. */
export interface Intent {
  readonly kind: "intent";
  readonly act: Act;
  readonly id: UpdateId;
  readonly module: ObjectName;
  /** The target objects that are not loaded, so that their code could not be matched. */
  readonly pending: readonly ObjectName[];
  /** The updates that this one puts out of force. */
  readonly replaces: readonly UpdateId[];
}

/** The record of how an intent ended. */
export interface IntentOutcome {
  readonly kind: "outcome";
  readonly act: Act;
  readonly id: UpdateId;
  readonly done: boolean;
  /** A word for why it was not done; empty if it was done. */
  readonly cause: string;
  /** A sentence about why it was not done; empty if it was done. */
  readonly detail: string;
  readonly milliseconds: number;
}

export type Event =
  | Intent
  | IntentOutcome
  /** Objects that were pending are loaded now, and their code matches. */
  | { readonly kind: "matched"; readonly id: UpdateId; readonly objects: readonly ObjectName[] }
  /** The administrator allows a suspect to be tried again. */
  | { readonly kind: "released"; readonly id: UpdateId }
  /** An update that was applied when older records were summed up. */
  | {
      readonly kind: "standing";
      readonly id: UpdateId;
      readonly module: ObjectName;
      readonly pending: readonly ObjectName[];
    }
  /** An update that was a suspect when older records were summed up. */
  | { readonly kind: "suspect"; readonly act: Act; readonly id: UpdateId };

/** One record of a journal. */
export type JournalRecord = Event & { readonly at: Instant; readonly boot: BootId };

/** More objects than there are modules. */
const MAX_OBJECTS = 8192;
const MAX_UPDATES = 4096;
const MAX_VALUES = MAX_OBJECTS + MAX_UPDATES + 32;
/** The length that a sentence is cut to, so that an outcome fits into the room that its intent reserved. */
const MAX_DETAIL = 400;
const CHECKSUM_DIGITS = 16;
const LINE = /^(\d{1,8}) ([0-9a-f]{16}) (.*)$/s;

const checksum = (body: Uint8Array): string =>
  createHash("sha256").update(body).digest("hex").slice(0, CHECKSUM_DIGITS);

/** Encodes a record as one line: the length of the body, its checksum, and the body as JSON. */
export function encodeRecord(record: JournalRecord): Uint8Array {
  const body = encodeJson(toJson(record));
  return Buffer.concat([Buffer.from(`${body.length} ${checksum(body)} `), body, Buffer.from("\n")]);
}

/**
 * Decodes a line. Returns undefined if it is not a complete record.
 *
 * @param line a line without its line feed.
 */
export function decodeRecord(line: Uint8Array): JournalRecord | undefined {
  const [, length, sum, text = ""] = LINE.exec(Buffer.from(line).toString("latin1")) ?? [];
  const body = Buffer.from(text, "latin1");
  if (body.length !== Number(length) || checksum(body) !== sum) return undefined;
  try {
    return fromJson(new Decoder(parseJson(body, "record", MAX_VALUES), "record"));
  } catch (error) {
    if (isCode(error, "parse")) return undefined;
    throw error;
  }
}

function toJson({ at, boot, ...event }: JournalRecord): JsonObject {
  const detail = event.kind === "outcome" ? { detail: event.detail.slice(0, MAX_DETAIL).toWellFormed() } : {};
  return jsonObject({ at: formatInstant(at), boot, ...event, ...detail });
}

function fromJson(record: Decoder): JournalRecord {
  const at = record.get("at").as(parseInstant);
  const boot = record.get("boot").as(bootId);
  return { at, boot, ...eventFromJson(record, record.get("id").as(updateId)) };
}

function eventFromJson(record: Decoder, id: UpdateId): Event {
  const kind = record.get("kind").string();
  const act = (): Act => (record.get("act").value === "apply" ? "apply" : record.get("act").literal("undo"));
  const names = (member: string) =>
    record
      .get(member)
      .array(MAX_OBJECTS)
      .map((name) => name.as(objectName));
  const module = () => record.get("module").as(objectName);
  switch (kind) {
    case "intent": {
      const replaces = record.get("replaces").array(MAX_UPDATES);
      const ids = replaces.map((other) => other.as(updateId));
      return { kind, act: act(), id, module: module(), pending: names("pending"), replaces: ids };
    }
    case "outcome":
      return {
        kind,
        act: act(),
        id,
        done: record.get("done").boolean(),
        cause: record.get("cause").string(),
        detail: record.get("detail").string(),
        milliseconds: record.get("milliseconds").integer(0),
      };
    case "matched":
      return { kind, id, objects: names("objects") };
    case "released":
      return { kind, id };
    case "standing":
      return { kind, id, module: module(), pending: names("pending") };
    case "suspect":
      return { kind, act: act(), id };
    default:
      return record.fail(`there is no record of kind ${kind}`);
  }
}
