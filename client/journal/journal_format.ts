import { concatBytes } from "../../shared/bytes.ts";
import { decodeRecord, encodeRecord, type JournalRecord } from "./record.ts";

/**
 * With an intent goes room for its outcome, as empty lines that the outcome is written over: a disk that is full by
 * then does not keep what happened from being written down.
 */
const ROOM_BYTES = 4096;
const LINE_FEED = 10;

export interface ParsedJournal {
  readonly records: readonly JournalRecord[];
  /** Where the next record goes: behind the last whole one. */
  readonly end: number;
  /** Bytes behind the end that are no record and no room: a write that was cut short. */
  readonly torn: number;
  /** ParsedJournal before the end that are no record: the disk, or somebody, damaged them. */
  readonly damaged: number;
}

/** Reads as much as there is to be read: no bytes at all make it fail. */
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

/** What is written for a record. */
export function bytesToWrite(record: JournalRecord): Uint8Array {
  const line = encodeRecord(record);
  if (record.kind !== "intent") return line;
  return concatBytes([line, new Uint8Array(ROOM_BYTES).fill(LINE_FEED)]);
}
