import { concatBytes } from "../../shared/bytes.ts";
import { counted } from "../../shared/counted.ts";
import { isCode } from "../../shared/errors.ts";
import type { Clock } from "../../shared/time.ts";
import type { JournalFile } from "./file.ts";
import { bytesToWrite, parseJournal } from "./journal_format.ts";
import { type Ledger, ledgerFromRecords, ledgerRecords } from "./ledger.ts";
import { type BootId, type Event, encodeRecord, type JournalRecord } from "./record.ts";

/** Beyond this the older half is dropped. A run that changes something adds about a kilobyte. */
const COMPACT_AT_BYTES = 512 * 1024;
const KEPT_BYTES = COMPACT_AT_BYTES / 2;

/** What a host remembers of its changes to one kernel. */
export interface JournalView {
  /** Oldest first. */
  readonly records: readonly JournalRecord[];
  readonly ledger: Ledger;
}

/** For who holds the lock: what was done is written down here, before and after. */
export interface Journal extends JournalView {
  /** Durable once it returns. Throws `io`, and has written nothing then. */
  write(event: Event): Promise<void>;
}

/** For readers, who need no lock. A record that is just being written is not there yet. */
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

/** Cuts off what a crash left unfinished and mends what is damaged, and says so. */
export async function openJournal({ file, boot, clock, notice }: JournalOptions): Promise<Journal> {
  const found = parseJournal(await file.read());
  if (found.torn > 0)
    notice(`warning: the journal's end was cut short: ${counted(found.torn, "byte")} dropped`);
  if (found.damaged > 0)
    notice(`warning: the journal was damaged: ${counted(found.damaged, "line")} dropped`);
  const kept = found.end > COMPACT_AT_BYTES ? compacted(found.records, boot) : found.records;
  let { end, records } = found;
  if (found.torn > 0) await file.cut(end);
  if (found.damaged > 0 || kept !== records) {
    const bytes = concatBytes(kept.map(encodeRecord));
    const replaced = await file.replace(bytes).then(() => true, unlessFull(notice));
    if (replaced) [end, records] = [bytes.length, kept];
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

/** Long is better than lost: a journal that cannot be made shorter is gone on with. */
const unlessFull = (notice: JournalOptions["notice"]) => (error: unknown) => {
  if (!isCode(error, "io")) throw error;
  notice(`warning: the journal could not be made shorter: ${error.message}`);
  return false;
};

/** What the older records come to, and the newer ones as they are. */
function compacted(records: readonly JournalRecord[], boot: BootId): readonly JournalRecord[] {
  let at = records.length;
  for (let bytes = 0; at > 0 && bytes < KEPT_BYTES; at--) {
    const record = records[at - 1];
    bytes += record ? encodeRecord(record).length : 0;
  }
  const before = () => ledgerFromRecords(records.slice(0, at), records[at]?.boot ?? boot);
  while (before().open) at--; // an intent and its outcome stay together
  return [...ledgerRecords(before()), ...records.slice(at)];
}
