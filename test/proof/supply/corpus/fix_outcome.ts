import type { UpdateReport } from "../../../../publisher/create/update.ts";
import type { Trial } from "../../create/guest/module_runner.ts";

/**
 * What became of a fix. `alone`: it needs other changes of the step, so it is no fix of its own. `wide`: a header of it
 * reaches more objects than this proof has the time to compile. `untried`: it was made for a module
 * that does not load in the guest without an update either, for want of its hardware. `stuck`: its transition does not end
 * where a kernel thread runs, as the report says of the main loop of one. `wrong`: anything that must not be.
 */
export type FixOutcome =
  | {
      readonly kind: "live";
      readonly functions: number;
      /** What the report says of functions that may be the main loop of a kernel thread. */
      readonly loops: readonly string[];
    }
  | { readonly kind: "unchanged" }
  | { readonly kind: "refused"; readonly reasons: readonly RefusedFor[] }
  | { readonly kind: "alone"; readonly why: string }
  | { readonly kind: "wide"; readonly objects: number }
  | { readonly kind: "untried"; readonly why: string }
  | { readonly kind: "stuck"; readonly loops: readonly string[] }
  | { readonly kind: "wrong"; readonly problems: readonly string[] };

/** A reason of a refusal. */
export interface RefusedFor {
  readonly code: string;
  readonly subject: string;
  readonly reason: string;
  readonly advice: string;
}

/** Judges what `create` made of a fix, without the module's trial. */
export function outcomeOf({ outcome, units, refusals }: UpdateReport): FixOutcome {
  if (outcome === "unchanged") return { kind: "unchanged" };
  if (outcome === "made") {
    const unused = units.flatMap((unit) => unit.unused);
    if (unused.length > 0) return { kind: "alone", why: `other files use ${unused.join(", ")}` };
    const loops = units.flatMap(({ notes }) => notes.filter((note) => THREAD_LOOP.test(note)));
    return { kind: "live", functions: units.reduce((sum, { changed }) => sum + changed.length, 0), loops };
  }
  const reasons = [...refusals, ...units.flatMap((unit) => unit.refusals)].map(
    ({ code, subject, reason, advice }): RefusedFor => ({ code, subject, reason, advice }),
  );
  const broken = reasons.find(({ code }) => code === "compile");
  if (broken !== undefined) return { kind: "alone", why: `${broken.subject}: ${broken.reason}` };
  const mute = reasons.filter(({ reason, advice }) => reason === "" || advice === "");
  if (reasons.length === 0 || mute.length > 0)
    return { kind: "wrong", problems: [`a refusal without words: ${JSON.stringify(mute)}`] };
  return { kind: "refused", reasons };
}

/** Returns the outcome after the module was loaded, used and undone, with whatever it replaces loaded first or last. */
export function afterTrials(outcome: FixOutcome, trials: readonly Trial[]): FixOutcome {
  const [missing] = trials.flatMap(({ order, loaded, problems }) =>
    order === "before" && !loaded && problems.length === 1
      ? problems.filter((each) => NO_DEVICE.test(each))
      : [],
  );
  if (missing !== undefined) return { kind: "untried", why: missing };
  const problems = trials.flatMap(({ order, loaded, undone, problems: said }) =>
    loaded && undone && said.length === 0 ? [] : [`targets loaded ${order}: ${said.join("\n")}`],
  );
  if (trials.length === 0) problems.push("it was not tried");
  if (problems.length === 0) return outcome;
  if (outcome.kind === "live" && outcome.loops.length > 0 && problems.every((each) => LATE.test(each)))
    return { kind: "stuck", loops: outcome.loops };
  return { kind: "wrong", problems };
}

/** What the report says of a function that waits in the way of a kernel thread's main loop. */
const THREAD_LOOP = /neither apply nor undo this update while that thread runs/;
/** What the runner says when a transition does not end in its time. */
const LATE = /^targets loaded \w+: (?:\w+: )?(?:not done in \d+ ms|the transition (?:back )?does not end)/;
/** What the runner says when a module that is loaded before the update refuses to (ENODEV). */
const NO_DEVICE = /^the target \S+ does not load: .*No such device$/;
