import type { KernelManifest } from "../shared/feed/manifest.ts";
import type { Update } from "../shared/feed/update.ts";

type Brief = Pick<Update, "id" | "cves" | "recalled">;

/** What becomes of one kernel. */
export interface UpdatesChange {
  readonly before: readonly Brief[] | undefined;
  readonly after: readonly Brief[];
}

/** No more of a manifest than the summary needs: there are thousands. */
export const briefUpdates = ({ updates }: KernelManifest): readonly Brief[] =>
  updates.map(({ id, cves, recalled }) => ({ id, cves, recalled }));

/** For the person who signs for what crosses a gap. Sorted, each once. */
export interface ChangeSummary {
  readonly updates: readonly string[];
  readonly cves: readonly string[];
  readonly recalled: readonly string[];
}

export function summaryOf(changes: readonly UpdatesChange[]): ChangeSummary {
  const updates = new Set<string>();
  const cves = new Set<string>();
  const recalled = new Set<string>();
  for (const { before, after } of changes) {
    const old = new Map(before?.map((update) => [update.id, update]));
    for (const update of after) {
      const known = old.get(update.id);
      if (update.recalled !== null && known?.recalled === null) recalled.add(update.id);
      if (known) continue;
      updates.add(update.id);
      for (const cve of update.cves) cves.add(cve);
    }
  }
  return { updates: [...updates].sort(), cves: [...cves].sort(), recalled: [...recalled].sort() };
}
