import type { UpdateId } from "../../shared/brand.ts";
import type { Update } from "../../shared/feed/update.ts";
import { byPublication } from "./order.ts";

/**
 * The release whose fixes a kernel has: that of the newest update up to which, in order of publication, every update
 * is applied or superseded by one that is. undefined where there is none, and the kernel is what it was built as.
 */
export function effectiveRelease(
  updates: readonly Update[],
  applied: ReadonlySet<UpdateId>,
): string | undefined {
  const covered = withSuperseded(updates, applied);
  let release: string | undefined;
  for (const update of [...updates].sort(byPublication)) {
    if (!covered.has(update.id)) break;
    if (applied.has(update.id)) release = update.effective ?? release;
  }
  return release;
}

function withSuperseded(updates: readonly Update[], applied: ReadonlySet<UpdateId>): ReadonlySet<UpdateId> {
  const byId = new Map(updates.map((update) => [update.id, update]));
  const covered = new Set(applied);
  for (const id of covered) for (const old of byId.get(id)?.supersedes ?? []) covered.add(old);
  return covered;
}
