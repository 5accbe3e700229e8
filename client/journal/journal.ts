import { concatBytes } from "../../shared/bytes.ts";
import { counted } from "../../shared/counted.ts";
import { isCode } from "../../shared/errors.ts";
import type { Clock } from "../../shared/time.ts";
import type { JournalFile } from "./file.ts";
import { bytesToWrite, parseJournal } from "./journal_format.ts";
import { type Ledger, ledgerFromRecords, ledgerRecords } from "./ledger.ts";
import { type BootId, type Event, encodeRecord, type JournalRecord } from "./record.ts";

/** The size beyond which older records are summed up. A run that changes something adds about a kilobyte. */
const COMPACT_AT_BYTES = 512 * 1024;
/** The size of the newest records, which are not summed up. */
const RECENT_BYTES = COMPACT_AT_BYTES / 2;

/** The contents of a journal: a host's record of its changes to one kernel. */
export interface JournalView {
  /** The records, oldest first. */
  readonly records: readonly JournalRecord[];
  readonly ledger: Ledger;
}

/** A journal that is open for writing, which only the holder of the state lock may do. */
export interface Journal extends JournalView {
  /**
   * Writes a record, which is durable once this returns.
   *
   * @throws RebootlessError `io` if nothing was written.
   */
  write(event: Event): Promise<void>;
}

/** Reads a journal without a lock. A record that is being written at that moment is not included. */
export async function readJournal(file: JournalFile, boot: BootId): Promise<JournalView> {
  const { records } = parseJournal(await file.read());
  return { records, ledger: ledgerFromRecords(records, boot) };
}

export interface JournalOptions {
  readonly file: JournalFile;
  readonly boot: BootId;
  readonly clock: Clock;
  readonly notice: (line: string) => void;
}

/** Opens a journal for writing. Removes a record that a crash cut short and lines that are damaged, with a notice. */
export async function openJournal({ file, boot, clock, notice }: JournalOptions): Promise<Journal> {
  const found = parseJournal(await file.read());
  if (found.torn > 0)
    notice(`warning: the last record of the journal is incomplete: ${counted(found.torn, "byte")} dropped`);
  if (found.damaged > 0) notice(`warning: the journal is damaged: ${counted(found.damaged, "line")} dropped`);
  const wanted = found.end > COMPACT_AT_BYTES ? compacted(found.records, boot) : found.records;
  let { end, records } = found;
  if (found.torn > 0) await file.cut(end);
  if (found.damaged > 0 || wanted !== records) {
    const bytes = concatBytes(wanted.map(encodeRecord));
    const replaced = await file.replace(bytes).then(() => true, unlessFull(notice));
    if (replaced) [end, records] = [bytes.length, wanted];
  }
  const written = [...records];
  return {
    records: written,
    get ledger() {
      return ledgerFromRecords(written, boot);
    },
    async write(event) {
      const record: JournalRecord = { ...event, at: clock(), boot };
      await file.write(end, bytesToWrite(record));
      end += encodeRecord(record).length;
      written.push(record);
    },
  };
}

/** Continues with a long journal if the disk is too full to replace it. */
const unlessFull = (notice: JournalOptions["notice"]) => (error: unknown) => {
  if (!isCode(error, "io")) throw error;
  notice(`warning: the journal could not be made shorter: ${error.message}`);
  return false;
};

/** Sums up the older records, and keeps the newer ones. */
function compacted(records: readonly JournalRecord[], boot: BootId): readonly JournalRecord[] {
  let at = records.length;
  for (let bytes = 0; at > 0 && bytes < RECENT_BYTES; at--) {
    const record = records[at - 1];
    bytes += record ? encodeRecord(record).length : 0;
  }
  const before = () => ledgerFromRecords(records.slice(0, at), records[at]?.boot ?? boot);
  // An intent and its outcome stay together.
  while (before().open) at--;
  return [...ledgerRecords(before()), ...records.slice(at)];
}
