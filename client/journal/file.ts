import { open } from "node:fs/promises";
import { join } from "node:path";
import { hasErrno } from "../../node/errno.ts";
import { readIfPresent, writeDurably } from "../../node/files.ts";
import type { BuildId } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";

/** Where the bytes of a journal are. Injected: tests give one that is torn at any byte. */
export interface JournalFile {
  /** None where there is no file. */
  read(): Promise<Uint8Array>;
  /** Writes from `at` on. On the disk once it returns. Throws `io`, and tries to leave nothing of it. */
  write(at: number, bytes: Uint8Array): Promise<void>;
  /** Cuts the file to this length. */
  cut(length: number): Promise<void>;
  /** All of it or nothing. */
  replace(bytes: Uint8Array): Promise<void>;
}

/** Sixteen times what a journal is compacted at: a file beyond it is not one of ours. */
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
          hint: "Move it away. What is applied stays applied, and `rebootless status` asks the kernel.",
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

/** The kernel may take less than it is given: a disk that fills up does so in the middle. */
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
      hint: `${hint} Nothing is changed that cannot be written down.`,
    });
  }
}
