import { concatBytes } from "../../shared/bytes.ts";
import { decodeRecord, encodeRecord, type JournalRecord } from "./record.ts";

/**
 * The room that an intent reserves for its outcome: empty lines which the outcome overwrites, so that it can be recorded
 * even if the disk has become full.
 */
const ROOM_BYTES = 4096;
const LINE_FEED = 10;

/** What the bytes of a journal contain. */
export interface ParsedJournal {
  readonly records: readonly JournalRecord[];
  /** The offset of the next record, behind the last complete one. */
  readonly end: number;
  /** The number of bytes behind `end` that are neither a record nor room: a write that was cut short. */
  readonly torn: number;
  /** The number of lines before `end` that are not records, because they were damaged. */
  readonly damaged: number;
}

/** Parses as many records as there are. It never fails, whatever the bytes are. */
export function parseJournal(bytes: Uint8Array): ParsedJournal {
  const records: JournalRecord[] = [];
  let [end, damaged, bad, torn] = [0, 0, 0, 0];
  for (let from = 0; from < bytes.length; ) {
    const feed = bytes.indexOf(LINE_FEED, from);
    const to = feed < 0 ? bytes.length : feed;
    const record = feed < 0 ? undefined : decodeRecord(bytes.subarray(from, to));
    if (record) {
      records.push(record);
      end = to + 1;
      damaged += bad;
      [bad, torn] = [0, 0];
    } else if (to > from) {
      bad++;
      torn += to - from;
    }
    from = to + 1;
  }
  return { records, end, torn, damaged };
}

/** Encodes a record for writing: an intent with the room for its outcome. */
export function bytesToWrite(record: JournalRecord): Uint8Array {
  const line = encodeRecord(record);
  if (record.kind !== "intent") return line;
  return concatBytes([line, new Uint8Array(ROOM_BYTES).fill(LINE_FEED)]);
}
