import { createHash } from "node:crypto";
import { type ObjectName, objectName, type UpdateId, updateId } from "../../shared/brand.ts";
import { Decoder } from "../../shared/decode.ts";
import { isCode, ParseError } from "../../shared/errors.ts";
import { encodeJson, type JsonObject, jsonObject, parseJson } from "../../shared/json.ts";
import { formatInstant, type Instant, parseInstant } from "../../shared/time.ts";

/** One time that the kernel was started, as /proc/sys/kernel/random/boot_id has it. */
export type BootId = string & { readonly brand: "BootId" };

/** Throws ParseError. */
export function bootId(text: string): BootId {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) throw new ParseError("not a boot id");
  return text as BootId;
}

export type Act = "apply" | "undo";

/** Written before the kernel is asked for anything. */
export interface Intent {
  readonly kind: "intent";
  readonly act: Act;
  readonly id: UpdateId;
  readonly module: ObjectName;
  /** Target objects that are not loaded, so that their code could not be matched. */
  readonly pending: readonly ObjectName[];
  /** Updates that are out of force once this one is in force. */
  readonly replaces: readonly UpdateId[];
}

/** Written when it is known what became of an intent. */
export interface IntentOutcome {
  readonly kind: "outcome";
  readonly act: Act;
  readonly id: UpdateId;
  readonly done: boolean;
  /** A word for why it was not done, and a sentence; both empty when it was. */
  readonly cause: string;
  readonly detail: string;
  readonly milliseconds: number;
}

export type Event =
  | Intent
  | IntentOutcome
  /** Objects that were pending are loaded, and their code is what it should be. */
  | { readonly kind: "matched"; readonly id: UpdateId; readonly objects: readonly ObjectName[] }
  /** The administrator lets a suspect be tried again. */
  | { readonly kind: "released"; readonly id: UpdateId }
  /** What stood when older records were dropped. */
  | {
      readonly kind: "standing";
      readonly id: UpdateId;
      readonly module: ObjectName;
      readonly pending: readonly ObjectName[];
    }
  | { readonly kind: "suspect"; readonly act: Act; readonly id: UpdateId };

/** What a journal is made of. */
export type JournalRecord = Event & { readonly at: Instant; readonly boot: BootId };

/** Every module that could be loaded, by name. */
const MAX_OBJECTS = 8192;
const MAX_UPDATES = 4096;
const MAX_VALUES = MAX_OBJECTS + MAX_UPDATES + 32;
/** A sentence of the kernel's or of ours. Cut to this, an outcome fits into the room that its intent made. */
const MAX_DETAIL = 400;
const CHECKSUM_DIGITS = 16;
const LINE = /^(\d{1,8}) ([0-9a-f]{16}) (.*)$/s;

const checksum = (body: Uint8Array): string =>
  createHash("sha256").update(body).digest("hex").slice(0, CHECKSUM_DIGITS);

/** One line: length of the body, its checksum, the body as JSON. */
export function encodeRecord(record: JournalRecord): Uint8Array {
  const body = encodeJson(toJson(record));
  return Buffer.concat([Buffer.from(`${body.length} ${checksum(body)} `), body, Buffer.from("\n")]);
}

/** @param line without its line feed. undefined for what is not, or not wholly, a record. */
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
      return record.fail(`no record is called ${kind}`);
  }
}
