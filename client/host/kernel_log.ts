import { closeSync, constants, openSync, readSync } from "node:fs";
import { hasErrno } from "../../node/errno.ts";

/** What the kernel logs from a moment on. */
export interface KernelLog {
  /** The messages logged since it was opened, in order, without their prefix. */
  lines(): readonly string[];
  close(): void;
}

const KMSG = "/dev/kmsg";
/** The kernel's own cap on a record, prefix and dictionary included. */
const RECORD_BYTES = 8192;
/** The largest log buffers hold some hundred thousand records: more than this is somebody who floods it. */
const MAX_RECORDS_SKIPPED = 1_000_000;
const MAX_RECORDS = 1_000;

const NOTHING: KernelLog = { lines: () => [], close: () => undefined };

/** Reads on from the end. Where the log cannot be read (a container, a kernel without it) nothing is ever logged. */
export function openKernelLog(): KernelLog {
  let file: number;
  try {
    file = openSync(KMSG, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return NOTHING; // it explains failures, and must not be one
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
 * One record's message, or undefined at the end. A record is `priority,number,time,flags;message`, then lines with a
 * dictionary; the kernel escapes everything that is not printable.
 */
function readRecord(file: number, buffer: Buffer): string | undefined {
  try {
    const record = buffer.toString("latin1", 0, readSync(file, buffer));
    return record.slice(record.indexOf(";") + 1).split("\n", 1)[0] ?? "";
  } catch (error) {
    // EPIPE: the next record was overwritten meanwhile, and it goes on after it. Anything else, EAGAIN first, is the end.
    return hasErrno(error, "EPIPE") ? "" : undefined;
  }
}
