import type { ObjectName, UpdateId } from "../../shared/brand.ts";
import type { Instant } from "../../shared/time.ts";
import type { Act, BootId, Event, Intent, JournalRecord } from "./record.ts";

/** An update that was applied and not undone since: the host wants it, after a reboot too. */
export interface AppliedEntry {
  readonly module: ObjectName;
  /** Objects whose code was not matched, because they were not loaded. */
  readonly pending: readonly ObjectName[];
  readonly at: Instant;
  /** In which it was applied last. */
  readonly boot: BootId;
}

/** An update that was on its way in or out when the host went down. It is not tried again by itself. */
export interface SuspectEntry {
  readonly act: Act;
  readonly at: Instant;
  readonly boot: BootId;
}

/** What a journal comes to. */
export interface Ledger {
  readonly applied: ReadonlyMap<UpdateId, AppliedEntry>;
  readonly suspects: ReadonlyMap<UpdateId, SuspectEntry>;
  /** Begun in this boot, and nobody wrote how it ended: the client was killed. */
  readonly open: (Intent & { readonly at: Instant; readonly boot: BootId }) | undefined;
}

/** @param boot the present one: an intent of another that has no outcome was cut short by the host going down. */
export function ledgerFromRecords(records: readonly JournalRecord[], boot: BootId): Ledger {
  const applied = new Map<UpdateId, AppliedEntry>();
  const suspects = new Map<UpdateId, SuspectEntry>();
  let open: Ledger["open"];

  const wentDown = (now: BootId) => {
    if (!open || open.boot === now) return;
    const { act, id, at } = open;
    suspects.set(id, { act, at, boot: open.boot });
    // Nothing outlives a reboot: what was to go out is out.
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

/** Records that come to the same, but for what is open. */
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
