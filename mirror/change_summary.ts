import type { KernelManifest } from "../shared/feed/manifest.ts";
import type { Update } from "../shared/feed/update.ts";

type UpdateBrief = Pick<Update, "id" | "cves" | "recalled">;

/** The updates of one kernel before and after a change; `before` is undefined for a kernel that is new. */
export interface UpdatesChange {
  readonly before: readonly UpdateBrief[] | undefined;
  readonly after: readonly UpdateBrief[];
}

/** Returns no more of a manifest than the summary needs, because there are thousands of manifests. */
export const briefUpdates = ({ updates }: KernelManifest): readonly UpdateBrief[] =>
  updates.map(({ id, cves, recalled }) => ({ id, cves, recalled }));

/** The changes in a transfer, for the person who signs for it. The lists are sorted, with each name once. */
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
