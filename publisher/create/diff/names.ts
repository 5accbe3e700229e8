/*
 * Compilers make up names: gcc numbers static locals (`count.3`) and clones (`f.isra.0`, `f.constprop.1`, `f.part.0`),
 * and splits code that seldom runs off as `f.cold`. The numbers change with every change of a file.
 */

/** Returns a name without its numbers, which is the part that stays the same when a file changes. */
export function stemOf(name: string): string {
  return name.replace(/\.\d+(?=\.|$)/g, "").replace(/^(__UNIQUE_ID_.*?)\d+$/, "$1");
}

/** Returns the name of the function that a `.cold` part was split off of, or undefined for other names. */
export function parentOf(name: string): string | undefined {
  return /^(.+)\.cold(?:\.\d+)?$/.exec(name)?.[1];
}

/**
 * The names of data that have content but no identity: the compiler and the kernel's macros make a new copy
 * at each place.
 */
const CONTENT_ONLY =
  /^(?:__func__|__FUNCTION__|__PRETTY_FUNCTION__|CSWTCH|__key|__compound_literal)(?:\.\d+)*$/;
export const isContentOnly = (name: string): boolean => CONTENT_ONLY.test(name);

/**
 * The sections of what UBSAN reports about a place in code, which gcc names by labels that do not become symbols
 * (CONFIG_UBSAN_BOUNDS, as in Debian's 6.16). They are written to when a report is made, so that it is made once.
 */
const REPORTS = /^\.data\.\.Lubsan_(?:data|type)\d+$/;
export const isReportSection = (name: string): boolean => REPORTS.test(name);

/**
 * The names of state that belongs to a place in code and may start again in a patched function: whether it
 * has warned (`__already_done`, `__warned`), how often it may print (`_rs`), and whether it prints
 * (`__UNIQUE_ID_ddebug`). Other state may not: `___done` guards a key that is made once.
 */
const RENEWABLE = /^(?:__already_done|__warned|__print_once|_rs|descriptor|__UNIQUE_ID_ddebug\d*)(?:\.\d+)*$/;
export const isRenewable = (name: string): boolean => RENEWABLE.test(name);
