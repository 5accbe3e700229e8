import { closeSync, constants, openSync, readSync } from "node:fs";
import { hasErrno } from "../../node/errno.ts";

/** The messages that the kernel logs from a moment on. */
export interface KernelLog {
  /** Returns the messages that were logged since it was opened, in order and without their prefix. */
  lines(): readonly string[];
  close(): void;
}

const KMSG = "/dev/kmsg";
/** The most bytes of a record with its prefix and dictionary, which is the kernel's own limit. */
const RECORD_BYTES = 8192;
/**
 * The most records that are skipped. The largest log buffers have some hundred thousand records; with more than this,
 * somebody floods the log.
 */
const MAX_RECORDS_SKIPPED = 1_000_000;
const MAX_RECORDS = 1_000;

const NOTHING: KernelLog = { lines: () => [], close: () => undefined };

/** Opens the kernel's log at its end. If it cannot be read (in a container, or a kernel without it), it stays empty. */
export function openKernelLog(): KernelLog {
  let file: number;
  try {
    file = openSync(KMSG, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return NOTHING; // The log only explains failures, and must not cause one.
  }
  const buffer = Buffer.alloc(RECORD_BYTES);
  for (let skipped = 0; skipped < MAX_RECORDS_SKIPPED && readRecord(file, buffer) !== undefined; skipped++);
  return {
    lines() {
      const lines: string[] = [];
      for (let record = readRecord(file, buffer); record !== undefined; record = readRecord(file, buffer)) {
        if (lines.length < MAX_RECORDS) lines.push(record);
        else break;
      }
      return lines;
    },
    close: () => closeSync(file),
  };
}

/**
 * Reads the message of a record; undefined at the end. A record is `priority,number,time,flags;message`, then lines with a
 * dictionary. The kernel escapes everything that is not printable.
 */
function readRecord(file: number, buffer: Buffer): string | undefined {
  try {
    const record = buffer.toString("latin1", 0, readSync(file, buffer));
    return record.slice(record.indexOf(";") + 1).split("\n", 1)[0] ?? "";
  } catch (error) {
    // EPIPE means that the next record was overwritten in the meantime; reading continues after it. Anything else, EAGAIN
    // above all, is the end.
    return hasErrno(error, "EPIPE") ? "" : undefined;
  }
}
