import type { UpdateId } from "../../shared/brand.ts";
import type { JournalView } from "../journal/journal.ts";
import type { BootId } from "../journal/record.ts";
import { appliedIds, type HostState } from "./state.ts";

/** Where the kernel and the journal do not say the same. The kernel is right. */
export interface Difference {
  readonly id: UpdateId;
  readonly difference: "interrupted" | "taken_out" | "not_applied_again" | "not_in_journal";
  /** For people. */
  readonly detail: string;
}

export function differences(state: HostState, { ledger }: JournalView, boot: BootId): readonly Difference[] {
  const applied = appliedIds(state);
  const found: Difference[] = [];
  const { open } = ledger;
  if (open) {
    const detail = `a run was cut short while it was to ${open.act} this; the next one settles it`;
    found.push({ id: open.id, difference: "interrupted", detail });
  }
  for (const [id, { boot: by }] of ledger.standing) {
    if (applied.has(id) || open?.id === id || ledger.suspects.has(id)) continue;
    const difference = by === boot ? "taken_out" : "not_applied_again";
    found.push({ id, difference, detail: WHY[difference] });
  }
  for (const id of applied) {
    if (ledger.standing.has(id) || open?.id === id) continue;
    found.push({ id, difference: "not_in_journal", detail: WHY.not_in_journal });
  }
  return found;
}

const WHY = {
  taken_out: "the journal has it applied, the kernel does not have it: something else took it out",
  not_applied_again: "it was applied before the kernel was started anew, and is not now",
  not_in_journal: "it is applied, and the journal does not know of it",
} as const;
