import type { UpdateId } from "../../shared/brand.ts";
import type { Instant } from "../../shared/time.ts";
import type { ServedKernel } from "../kernels/served_kernel.ts";
import type { FollowedFix, FollowState } from "./follow_state.ts";
import { withFound } from "./found_fixes.ts";
import { type FollowItem, isOpen, movedItem, nextStep } from "./item.ts";
import type { FoundSources } from "./tools.ts";

/** A fix, and the kernels for which it is made. */
export interface MakingWork {
  readonly fix: FollowedFix;
  readonly kernels: readonly ServedKernel[];
}

/** Returns the state with what the sources have, and an item for each fix and each kernel that it is meant for. */
export function takenIn(
  state: FollowState,
  { fixes, clones }: FoundSources,
  kernels: readonly ServedKernel[],
  now: Instant,
): FollowState {
  return withAllItems(withFound({ ...state, clones }, fixes, now), kernels, now);
}

/**
 * Returns the state with an item for each fix and each kernel that it is meant for. What is under way of a fix that has
 * changed is given up.
 */
function withAllItems(state: FollowState, kernels: readonly ServedKernel[], now: Instant): FollowState {
  const retired = new Set(state.fixes.filter((fix) => fix.retired).map(({ id }) => id));
  const kept = state.items.map((item) =>
    retired.has(item.fix) && (isOpen(item) || item.state.kind === "not built")
      ? movedItem(item, { kind: "superseded" }, now, [])
      : item,
  );
  const there = new Set(kept.map(({ fix, kernel }) => `${fix} ${kernel}`));
  const added = state.fixes.flatMap((fix) =>
    fix.retired
      ? []
      : kernels
          .filter((kernel) => isMeantFor(fix, kernel) && !there.has(`${fix.id} ${kernel.buildId}`))
          .map((kernel) => newItem(fix.id, kernel, now)),
  );
  return { ...state, items: [...kept, ...added] };
}

/** A step is meant for the kernels of its older source; every other fix for all kernels. */
const isMeantFor = ({ step }: FollowedFix, { source }: ServedKernel): boolean =>
  step === undefined || source?.sha256 === step.from;

const newItem = (fix: UpdateId, { buildId, release }: ServedKernel, now: Instant): FollowItem => ({
  fix,
  kernel: buildId,
  release,
  state: { kind: "seen" },
  seen: now,
  untold: [],
});

/** The order in which fixes are made: single fixes first, because they are quick and somebody waits for them. */
const ORDER: readonly FollowedFix["kind"][] = ["patch", "series", "step"];

/** Returns the fixes that have something left to do, in the order in which they are made. */
export function openFixes({ fixes, items }: FollowState): readonly FollowedFix[] {
  const open = new Set(items.filter((item) => nextStep(item) !== undefined).map(({ fix }) => fix));
  return ORDER.flatMap((kind) => fixes.filter((fix) => fix.kind === kind && open.has(fix.id)));
}

/**
 * Returns the kernels for which a fix is to be made. A kernel that the list does not have any more gets nothing, and one
 * that could not be built is tried again once its archive has what was missing.
 */
export function kernelsToMake(
  { items }: FollowState,
  fix: FollowedFix,
  kernels: readonly ServedKernel[],
): readonly ServedKernel[] {
  const byId = new Map(kernels.map((kernel) => [kernel.buildId, kernel]));
  return items.flatMap((item) => {
    const kernel = byId.get(item.kernel);
    if (item.fix !== fix.id || kernel === undefined || nextStep(item) !== "create") return [];
    const lacks = kernel.headers === undefined || kernel.source === undefined;
    return item.state.kind === "not built" && lacks ? [] : [kernel];
  });
}

/** Returns the fixes that the newer source of a step has: those that are already in a kernel of that source. */
export function fixesBroughtBy(
  { fixes, items }: FollowState,
  step: UpdateId,
  kernels: readonly ServedKernel[],
): ReadonlySet<UpdateId> {
  const to = fixes.find(({ id }) => id === step)?.step?.to;
  if (to === undefined) return new Set();
  const newer = new Set(kernels.filter(({ source }) => source?.sha256 === to).map(({ buildId }) => buildId));
  const within = items.filter(({ state, kernel }) => state.kind === "already in" && newer.has(kernel));
  return new Set(within.map(({ fix }) => fix));
}
