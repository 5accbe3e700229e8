import type { ObjectName, UpdateId } from "../../shared/brand.ts";
import type { Instant } from "../../shared/time.ts";
import type { Act, BootId, Event, Intent, JournalRecord } from "./record.ts";

/** An update that was applied and not undone since. It is applied again after a reboot. */
export interface AppliedEntry {
  readonly module: ObjectName;
  /** The objects whose code was not matched, because they were not loaded. */
  readonly pending: readonly ObjectName[];
  readonly at: Instant;
  /** The boot in which it was applied last. */
  readonly boot: BootId;
}

/** An update that was being applied or undone when the host went down. It is not tried again unless it is asked for. */
export interface SuspectEntry {
  readonly act: Act;
  readonly at: Instant;
  readonly boot: BootId;
}

/** What the records of a journal add up to. */
export interface Ledger {
  readonly applied: ReadonlyMap<UpdateId, AppliedEntry>;
  readonly suspects: ReadonlyMap<UpdateId, SuspectEntry>;
  /** An intent of this boot without an outcome, because the program was killed. */
  readonly open: (Intent & { readonly at: Instant; readonly boot: BootId }) | undefined;
}

/**
 * Adds up the records of a journal.
 *
 * @param boot the current boot. An intent of an earlier boot without an outcome was cut short when the host went down.
 */
export function ledgerFromRecords(records: readonly JournalRecord[], boot: BootId): Ledger {
  const applied = new Map<UpdateId, AppliedEntry>();
  const suspects = new Map<UpdateId, SuspectEntry>();
  let open: Ledger["open"];

  const wentDown = (now: BootId) => {
    if (!open || open.boot === now) return;
    const { act, id, at } = open;
    suspects.set(id, { act, at, boot: open.boot });
    // No update outlives a reboot: one that was being undone is out.
    if (act === "undo") applied.delete(id);
    open = undefined;
  };
  const recordApplied = (id: UpdateId, { module, pending }: Intent, { at, boot: by }: JournalRecord) => {
    applied.set(id, { module, pending, at, boot: by });
    suspects.delete(id);
  };

  for (const record of records) {
    wentDown(record.boot);
    switch (record.kind) {
      case "intent":
        open = record;
        break;
      case "outcome":
        if (record.done && record.act === "undo") applied.delete(record.id);
        if (record.done && open?.act === "apply" && open.id === record.id) {
          recordApplied(record.id, open, record);
          for (const id of open.replaces) applied.delete(id);
        }
        open = undefined;
        break;
      case "matched": {
        const before = applied.get(record.id);
        const pending = before?.pending.filter((name) => !record.objects.includes(name)) ?? [];
        if (before) applied.set(record.id, { ...before, pending });
        break;
      }
      case "released":
        suspects.delete(record.id);
        break;
      case "standing": {
        const { module, pending, at, boot: by } = record;
        applied.set(record.id, { module, pending, at, boot: by });
        break;
      }
      case "suspect":
        suspects.set(record.id, { act: record.act, at: record.at, boot: record.boot });
        break;
    }
  }
  wentDown(boot);
  return { applied, suspects, open };
}

/** Makes records that add up to the same ledger, except for an open intent. */
export function ledgerRecords({ applied, suspects }: Ledger): readonly JournalRecord[] {
  const made = <E extends Event>(event: E, { at, boot }: AppliedEntry | SuspectEntry) => ({
    ...event,
    at,
    boot,
  });
  return [
    ...[...applied].map(([id, one]) => {
      const { module, pending } = one;
      return made({ kind: "standing", id, module, pending }, one);
    }),
    ...[...suspects].map(([id, one]) => made({ kind: "suspect", id, act: one.act }, one)),
  ];
}
