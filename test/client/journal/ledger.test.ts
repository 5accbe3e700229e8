import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ledgerFromRecords, ledgerRecords } from "../../../client/journal/ledger.ts";
import { decodeRecord, type Event, encodeRecord } from "../../../client/journal/record.ts";
import { objectName, updateId } from "../../../shared/brand.ts";
import { anyHistory, boot, intent, NOW, outcome } from "./sample.ts";

const inBoot = (n: number, ...events: readonly Event[]) =>
  events.map((event) => ({ ...event, at: NOW, boot: boot(n) }));
const applied = (id: string) => [intent("apply", id), outcome("apply", id)];
const names = (map: ReadonlyMap<string, unknown>) => [...map.keys()];

describe("a record", () => {
  it("reads as it was written", () => {
    fc.assert(
      fc.property(anyHistory, (records) => {
        for (const record of records) expect(decodeRecord(encodeRecord(record).slice(0, -1))).toEqual(record);
      }),
    );
  });

  it("with any byte changed is none", () => {
    const [record] = inBoot(1, intent("apply", "a"));
    const line = record ? encodeRecord(record).slice(0, -1) : new Uint8Array();
    for (let at = 0; at < line.length; at++) {
      const other = line.slice();
      other[at] = (other[at] ?? 0) ^ 1;
      expect(decodeRecord(other), `byte ${at}`).toBeUndefined();
    }
  });

  it("is none for any bytes at all", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => decodeRecord(bytes) === undefined));
  });

  it("keeps as much of a long sentence as there is room for", () => {
    const [record] = inBoot(1, { ...outcome("apply", "a"), detail: `\u0001${"\ud83d\ude00".repeat(5000)}` });
    if (!record) throw new Error("no record");
    expect(encodeRecord(record).length).toBeLessThan(4096);
    expect(decodeRecord(encodeRecord(record).slice(0, -1))).toMatchObject({ id: "a", kind: "outcome" });
  });
});

describe("what a journal comes to", () => {
  it("knows as applied what was applied and not undone", () => {
    const records = inBoot(1, ...applied("a"), ...applied("b"), intent("undo", "a"), outcome("undo", "a"));
    expect(ledgerFromRecords(records, boot(1))).toMatchObject({ suspects: new Map(), open: undefined });
    expect(names(ledgerFromRecords(records, boot(1)).applied)).toEqual(["b"]);
  });

  it("is no different after a reboot, where nothing was under way", () => {
    const records = inBoot(1, ...applied("a"));
    expect(ledgerFromRecords(records, boot(2))).toEqual(ledgerFromRecords(records, boot(1)));
  });

  it("does not know as applied what was not done", () => {
    const records = inBoot(1, intent("apply", "a"), outcome("apply", "a", "code_busy"));
    expect(ledgerFromRecords(records, boot(2))).toMatchObject({ applied: new Map(), suspects: new Map() });
  });

  it("keeps as applied what could not be undone, and what boot could not apply again", () => {
    const undone = inBoot(1, ...applied("a"), intent("undo", "a"), outcome("undo", "a", "code_busy"));
    expect(names(ledgerFromRecords(undone, boot(1)).applied)).toEqual(["a"]);
    const again = inBoot(2, intent("apply", "a"), outcome("apply", "a", "no_match"));
    expect(names(ledgerFromRecords([...inBoot(1, ...applied("a")), ...again], boot(3)).applied)).toEqual([
      "a",
    ]);
  });

  it("has open what began in this boot, and suspects what began in another", () => {
    const records = inBoot(1, ...applied("a"), intent("apply", "b"));
    expect(ledgerFromRecords(records, boot(1))).toMatchObject({ open: { id: "b" }, suspects: new Map() });
    const later = ledgerFromRecords(records, boot(2));
    expect(later.open).toBeUndefined();
    expect([names(later.applied), names(later.suspects)]).toEqual([["a"], ["b"]]);
    const muchLater = ledgerFromRecords([...records, ...inBoot(2, ...applied("c"))], boot(3));
    expect([names(muchLater.applied), names(muchLater.suspects)]).toEqual([["a", "c"], ["b"]]);
  });

  it("suspects an update that stood before, when applying it again brought the host down", () => {
    const records = [...inBoot(1, ...applied("a")), ...inBoot(2, intent("apply", "a"))];
    expect(names(ledgerFromRecords(records, boot(3)).suspects)).toEqual(["a"]);
  });

  it("takes what was on its way out for gone after a reboot, and suspects it", () => {
    const records = inBoot(1, ...applied("a"), intent("undo", "a"));
    expect(names(ledgerFromRecords(records, boot(2)).applied)).toEqual([]);
    expect(ledgerFromRecords(records, boot(2)).suspects.get(updateId("a"))).toMatchObject({ act: "undo" });
  });

  it.each<[string, readonly Event[]]>([
    ["it was applied after all", applied("a")],
    ["the administrator lets it go", [{ kind: "released", id: updateId("a") }]],
  ])("suspects no longer when %s", (_, events) => {
    const records = [...inBoot(1, intent("apply", "a")), ...inBoot(2, ...events)];
    expect(names(ledgerFromRecords(records, boot(2)).suspects)).toEqual([]);
  });

  it("goes on to suspect what was tried by name and refused", () => {
    const tried = inBoot(2, intent("apply", "a"), outcome("apply", "a", "no_match"));
    const records = [...inBoot(1, intent("apply", "a")), ...tried];
    expect(names(ledgerFromRecords(records, boot(2)).suspects)).toEqual(["a"]);
  });

  it("knows one as applied in place of those that it replaced", () => {
    const replaces = [updateId("a"), updateId("b")];
    const records = inBoot(1, ...applied("a"), ...applied("b"), intent("apply", "c", { replaces }));
    expect(names(ledgerFromRecords(records, boot(1)).applied)).toEqual(["a", "b"]);
    expect(
      names(ledgerFromRecords([...records, ...inBoot(1, outcome("apply", "c"))], boot(1)).applied),
    ).toEqual(["c"]);
  });

  it("knows which objects were not matched, until they are", () => {
    const pending = ["kvm", "nfs"].map(objectName);
    const records = inBoot(1, intent("apply", "a", { pending }), outcome("apply", "a"));
    expect(ledgerFromRecords(records, boot(1)).applied.get(updateId("a"))?.pending).toEqual(pending);
    const matched = inBoot(1, { kind: "matched", id: updateId("a"), objects: [objectName("kvm")] });
    expect(ledgerFromRecords([...records, ...matched], boot(1)).applied.get(updateId("a"))?.pending).toEqual([
      "nfs",
    ]);
  });

  it("is the same from what it is written down as", () => {
    fc.assert(
      fc.property(anyHistory, (records) => {
        const { applied: entries, suspects } = ledgerFromRecords(records, boot(9));
        expect(
          ledgerFromRecords(ledgerRecords({ applied: entries, suspects, open: undefined }), boot(9)),
        ).toEqual({
          applied: entries,
          suspects,
          open: undefined,
        });
      }),
    );
  });
});
