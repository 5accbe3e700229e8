import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { journalFile } from "../../../client/journal/file.ts";
import { type Journal, openJournal, readJournal } from "../../../client/journal/journal.ts";
import { ledgerFromRecords } from "../../../client/journal/ledger.ts";
import { type BootId, encodeRecord, type JournalRecord } from "../../../client/journal/record.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { Crash, MemoryFile } from "./memory_file.ts";
import { anyHistory, boot, intent, NOW, outcome } from "./sample.ts";

let file: MemoryFile;
let said: string[];
beforeEach(() => {
  file = new MemoryFile();
  said = [];
});

const opened = (by: BootId = boot(1), on = file): Promise<Journal> =>
  openJournal({ file: on, boot: by, clock: () => NOW, notice: (line) => said.push(line) });

/** Writes a history as clients of each boot would. */
async function writeAll(records: readonly JournalRecord[], on = file): Promise<void> {
  for (const { at: _, boot: by, ...event } of records) await (await opened(by, on)).write(event);
}

const full = new RebootlessError("io", "cannot write the journal", { hint: "The disk is full." });

describe("a journal", () => {
  it("that was never written is empty", async () => {
    expect(await readJournal(file, boot(1))).toMatchObject({ records: [], ledger: { open: undefined } });
  });

  it("reads back what was written, over any number of clients and boots", async () => {
    await fc.assert(
      fc.asyncProperty(anyHistory, async (records) => {
        const own = new MemoryFile();
        await writeAll(records, own);
        expect(await readJournal(own, boot(9))).toEqual({
          records,
          ledger: ledgerFromRecords(records, boot(9)),
        });
      }),
      { numRuns: 30 },
    );
    expect(said).toEqual([]);
  });

  it("torn at any byte of any write is the journal before that write or after it", async () => {
    const history = [intent("apply", "a"), outcome("apply", "a")];
    for (const [n, event] of history.entries()) {
      const before = new MemoryFile();
      const records = history.slice(0, n + 1).map((one) => ({ ...one, at: NOW, boot: boot(1) }));
      await writeAll(records.slice(0, -1), before);
      const length = (JSON.stringify(event).length + 120) | 0;
      for (let left = 0; left <= length; left++) {
        const torn = new MemoryFile();
        torn.bytes = before.bytes.slice();
        const journal = await opened(boot(1), torn);
        torn.left = left;
        const ended = await journal.write(event).then(
          () => "written",
          (error: unknown) => error,
        );
        torn.left = Number.POSITIVE_INFINITY;
        const after = await opened(boot(1), torn);
        expect([records, records.slice(0, -1)]).toContainEqual(after.records);
        if (ended === "written") expect(after.records).toEqual(records);
        else expect(ended).toBeInstanceOf(Crash);
        await after.write(outcome("apply", "z"));
        expect((await opened(boot(1), torn)).records).toHaveLength(after.records.length);
      }
    }
  });

  it("says what a crash cut short, once", async () => {
    await writeAll([{ ...intent("apply", "a"), at: NOW, boot: boot(1) }]);
    const { length } = file.bytes;
    const journal = await opened();
    file.left = 30;
    await expect(journal.write(outcome("apply", "a"))).rejects.toBeInstanceOf(Crash);
    file.left = Number.POSITIVE_INFINITY;
    expect(file.bytes).toHaveLength(length);
    expect((await opened()).ledger.open).toMatchObject({ id: "a" });
    expect(said).toEqual(["warning: the last record of the journal is incomplete: 30 bytes dropped"]);
    await opened();
    expect(said).toHaveLength(1);
  });

  it("drops lines that are damaged and keeps those behind them", async () => {
    const records = ["a", "b", "c"].flatMap((id) =>
      [intent("apply", id), outcome("apply", id)].map((event) => ({ ...event, at: NOW, boot: boot(1) })),
    );
    await writeAll(records);
    const at = Buffer.from(file.bytes).indexOf('"id":"b"');
    file.bytes[at] = 0;
    expect((await readJournal(file, boot(1))).ledger.applied.size).toBe(2);
    expect((await opened()).records).toEqual(records.filter((_, i) => i !== 2));
    expect(said).toEqual(["warning: the journal is damaged: 1 line dropped"]);
    await opened();
    expect(said).toHaveLength(1);
  });

  it("makes room for an outcome with the intent: a disk that fills up meanwhile does not keep it out", async () => {
    const journal = await opened();
    await journal.write(intent("apply", "a"));
    const { length } = file.bytes;
    await journal.write({ ...outcome("apply", "a", "code_busy"), detail: "\u0007".repeat(9000) });
    expect(file.bytes).toHaveLength(length);
    expect((await opened()).records).toHaveLength(2);
  });

  it("that cannot be written is as it was, and can be gone on with", async () => {
    const journal = await opened();
    await journal.write(intent("apply", "a"));
    file.refusal = full;
    await expect(journal.write(outcome("apply", "a"))).rejects.toBe(full);
    expect(journal.ledger.open).toMatchObject({ id: "a" });
    file.refusal = undefined;
    await journal.write(outcome("apply", "a"));
    expect((await opened()).ledger).toEqual(journal.ledger);
  });
});

describe("a journal that has grown long", () => {
  /** So many that the older of them are beyond what is kept. */
  function long(): readonly JournalRecord[] {
    const twice = (act: "apply" | "undo", id: string, cause = "") => [
      intent(act, id),
      outcome(act, id, cause),
    ];
    const many = Array.from({ length: 1600 }, (_, n) =>
      twice("apply", `u${n % 7}`, n % 3 === 0 ? "code_busy" : ""),
    );
    const events = [twice("apply", "first"), twice("apply", "gone"), ...many, twice("undo", "gone")].flat();
    const records = events.map((event) => ({ ...event, at: NOW, boot: boot(1) }));
    file.bytes = new Uint8Array(Buffer.concat(records.map(encodeRecord)));
    return records;
  }

  it("is made shorter when it is opened, and comes to the same", async () => {
    const records = long();
    const { length } = file.bytes;
    const { ledger, records: kept } = await opened();
    expect(file.bytes.length).toBeLessThan(length * 0.7);
    expect(ledger).toEqual(ledgerFromRecords(records, boot(1)));
    expect(kept.slice(-100)).toEqual(records.slice(-100));
    expect((await opened()).records).toEqual(kept);
    expect((await opened(boot(2))).ledger).toEqual(ledgerFromRecords(records, boot(2)));
    expect(said).toEqual([]);
  });

  it("keeps an intent that has no outcome", async () => {
    long();
    await (await opened()).write(intent("apply", "last"));
    expect((await opened()).ledger.open).toMatchObject({ id: "last" });
    expect((await opened(boot(2))).ledger.suspects.has(intent("apply", "last").id)).toBe(true);
  });

  it("stays long on a disk that is full, and says so", async () => {
    const records = long();
    file.refusal = full;
    expect((await opened()).records).toEqual(records);
    expect(said).toEqual(["warning: the journal could not be made shorter: cannot write the journal"]);
  });
});

describe("a journal's file", () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), "rebootless-journal-"));
  });
  afterAll(() => rm(dir, { recursive: true }));

  it("is made, added to, cut and replaced", async () => {
    const path = join(dir, "kernel", "journal");
    const real = journalFile(path);
    expect(await real.read()).toHaveLength(0);
    await real.write(0, Buffer.from("one\n\n\n"));
    await real.write(4, Buffer.from("two\nthree\n"));
    expect(await readFile(path, "utf8")).toBe("one\ntwo\nthree\n");
    await real.cut(8);
    expect(Buffer.from(await real.read()).toString()).toBe("one\ntwo\n");
    await real.replace(Buffer.from("new\n"));
    expect(await readFile(path, "utf8")).toBe("new\n");
  });

  it("on a full disk is an error that says so", async () => {
    await expect(journalFile("/dev/full").write(1, Buffer.from("x"))).rejects.toMatchObject({
      code: "io",
      hint: expect.stringContaining("The disk is full. No update is changed"),
    });
  });

  it("of a size that no journal has is refused", async () => {
    const path = join(dir, "large");
    await writeFile(path, Buffer.alloc(8 * 1024 * 1024 + 1));
    await expect(journalFile(path).read()).rejects.toMatchObject({ code: "io" });
  });

  it("holds a journal like any other", async () => {
    const own = journalFile(join(dir, "own", "journal"));
    const journal = () =>
      openJournal({ file: own, boot: boot(1), clock: () => NOW, notice: () => undefined });
    await (await journal()).write(intent("apply", "a"));
    await (await journal()).write(outcome("apply", "a"));
    expect([...(await journal()).ledger.applied.keys()]).toEqual(["a"]);
  });
});
