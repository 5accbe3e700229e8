import { open } from "node:fs/promises";
import { join } from "node:path";
import { hasErrno } from "../../node/errno.ts";
import { readIfPresent, writeDurably } from "../../node/files.ts";
import type { BuildId } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";

/** The file of a journal. It is injected, so that tests can use one that is cut short at any byte. */
export interface JournalFile {
  /** Reads all bytes; none if there is no file. */
  read(): Promise<Uint8Array>;
  /**
   * Writes bytes from the offset `at` on. They are on the disk once it returns.
   *
   * @throws RebootlessError `io`, after it has tried to remove what was written.
   */
  write(at: number, bytes: Uint8Array): Promise<void>;
  /** Shortens the file to a length in bytes. */
  cut(length: number): Promise<void>;
  /** Replaces the whole file, or leaves it as it is. */
  replace(bytes: Uint8Array): Promise<void>;
}

/** Sixteen times the size at which a journal is compacted. A longer file is not a journal. */
const MAX_BYTES = 8 * 1024 * 1024;

export const journalPath = (stateDir: string, kernel: BuildId): string => join(stateDir, kernel, "journal");

export function journalFile(path: string): JournalFile {
  return {
    async read() {
      const bytes = (await readIfPresent(path)) ?? new Uint8Array();
      if (bytes.length <= MAX_BYTES) return bytes;
      throw new RebootlessError(
        "io",
        `${path} has ${counted(bytes.length, "byte")} and cannot be a journal`,
        {
          hint: "Move it away. Applied updates stay applied, and `rebootless status` asks the kernel for them.",
        },
      );
    },
    async write(at, bytes) {
      if (at === 0) return writeDurably(path, bytes);
      await changing(path, async (file) => {
        try {
          await writeAll(file, bytes, at);
          await file.sync();
        } catch (error) {
          await file.truncate(at).catch(() => undefined);
          throw error;
        }
      });
    },
    cut: (length) =>
      changing(path, async (file) => {
        await file.truncate(length);
        await file.sync();
      }),
    replace: (bytes) => writeDurably(path, bytes),
  };
}

type Handle = Awaited<ReturnType<typeof open>>;

/** Writes all bytes. One call may write fewer than it is given, as when a disk fills up. */
async function writeAll(file: Handle, bytes: Uint8Array, at: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done);
    done += bytesWritten;
  }
}

async function changing(path: string, change: (file: Handle) => Promise<void>): Promise<void> {
  try {
    const file = await open(path, "r+");
    try {
      await change(file);
    } finally {
      await file.close();
    }
  } catch (cause) {
    const hint = hasErrno(cause, "ENOSPC", "EDQUOT") ? "The disk is full." : "The disk may be failing.";
    throw new RebootlessError("io", `cannot write ${path}`, {
      cause,
      hint: `${hint} No update is changed that cannot be recorded.`,
    });
  }
}
