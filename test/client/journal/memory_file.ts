import type { HostJournal } from "../../../client/apply/host_journal.ts";
import type { JournalFile } from "../../../client/journal/file.ts";
import { openJournal, readJournal } from "../../../client/journal/journal.ts";
import type { BootId } from "../../../client/journal/record.ts";
import { NOW } from "./sample.ts";

/** The host went down, or the client was killed, in the middle of a write. */
export class Crash extends Error {}

/** A journal's file that lies in memory and loses power when a test says so. */
export class MemoryFile implements JournalFile {
  bytes = new Uint8Array();
  /** Bytes that still reach the disk; the write that would go beyond is cut there. */
  left = Number.POSITIVE_INFINITY;
  /** Thrown by the next writes, if set. */
  refusal: Error | undefined;

  read = async (): Promise<Uint8Array> => this.bytes.slice();

  async write(at: number, bytes: Uint8Array): Promise<void> {
    if (this.refusal) throw this.refusal;
    const part = bytes.subarray(0, Math.min(bytes.length, this.left));
    const size = Math.max(this.bytes.length, at + part.length);
    const after = new Uint8Array(size);
    after.set(this.bytes);
    after.set(part, at);
    this.bytes = after;
    this.left -= part.length;
    if (part.length < bytes.length) throw new Crash("cut short");
  }

  async cut(length: number): Promise<void> {
    this.bytes = this.bytes.slice(0, length);
  }

  async replace(bytes: Uint8Array): Promise<void> {
    if (this.refusal) throw this.refusal;
    if (this.left < bytes.length) throw new Crash("cut short");
    this.bytes = bytes.slice();
  }
}

/** A host's journal in memory. */
export const memoryJournal = (file: JournalFile, boot: BootId): HostJournal => ({
  boot,
  read: () => readJournal(file, boot),
  open: () => openJournal({ file, boot, clock: () => NOW, notice: () => undefined }),
});
