import type { UpdateId } from "../../shared/brand.ts";
import type { Update } from "../../shared/feed/update.ts";
import { byPublication } from "./order.ts";

/**
 * Returns the release whose fixes a kernel has. Updates are taken in order of publication, up to the first
 * one that is neither applied nor superseded by an applied one; the newest applied update among them that
 * names a release decides. Returns undefined if no such update is applied: the kernel then has the fixes of
 * the release that it was built from.
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
