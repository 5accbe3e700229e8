import type { UpdateId } from "../../shared/brand.ts";
import type { JournalView } from "../journal/journal.ts";
import type { BootId } from "../journal/record.ts";
import { appliedIds, type HostState } from "./host_state.ts";

/** A point on which the kernel and the journal disagree. The kernel is right. */
export interface JournalDifference {
  readonly id: UpdateId;
  readonly difference: "interrupted" | "taken_out" | "not_applied_again" | "not_in_journal";
  /** A sentence for people. */
  readonly detail: string;
}

export function journalDifferences(
  state: HostState,
  { ledger }: JournalView,
  boot: BootId,
): readonly JournalDifference[] {
  const applied = appliedIds(state);
  const found: JournalDifference[] = [];
  const { open } = ledger;
  if (open) {
    const detail = `a run was cut short during this ${open.act}; the next run completes it`;
    found.push({ id: open.id, difference: "interrupted", detail });
  }
  for (const [id, { boot: by }] of ledger.applied) {
    if (applied.has(id) || open?.id === id || ledger.suspects.has(id)) continue;
    const difference = by === boot ? "taken_out" : "not_applied_again";
    found.push({ id, difference, detail: WHY[difference] });
  }
  for (const id of applied) {
    if (ledger.applied.has(id) || open?.id === id) continue;
    found.push({ id, difference: "not_in_journal", detail: WHY.not_in_journal });
  }
  return found;
}

const WHY = {
  taken_out: "it is applied by the journal, but not in the kernel: something else took it out",
  not_applied_again: "it was applied before the last boot, and is not applied now",
  not_in_journal: "it is applied, but not recorded in the journal",
} as const;
