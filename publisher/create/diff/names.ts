/*
 * Names that a compiler makes: gcc numbers static locals (`count.3`) and clones (`f.isra.0`, `f.constprop.1`, `f.part.0`),
 * and splits what is seldom run off as `f.cold`. The numbers drift with every change of a file.
 */

/** A name without its numbers: what stays when a file changes. */
export function stemOf(name: string): string {
  return name.replace(/\.\d+(?=\.|$)/g, "").replace(/^(__UNIQUE_ID_.*?)\d+$/, "$1");
}

/** The function that a `.cold` part was split off of; undefined for other names. */
export function parentOf(name: string): string | undefined {
  return /^(.+)\.cold(?:\.\d+)?$/.exec(name)?.[1];
}

/** Data without an identity, only content: the compiler and the kernel's macros make them anew at each place. */
const CONTENT_ONLY =
  /^(?:__func__|__FUNCTION__|__PRETTY_FUNCTION__|CSWTCH|__key|__compound_literal)(?:\.\d+)*$/;
export const isContentOnly = (name: string): boolean => CONTENT_ONLY.test(name);

/**
 * State of a place in code that may begin anew in a patched function: it has warned (`__already_done`, `__warned`), how
 * often it may speak (`_rs`), whether it speaks (`__UNIQUE_ID_ddebug`). Others may not: `___done` guards a key made once.
 */
const RENEWABLE = /^(?:__already_done|__warned|__print_once|_rs|descriptor|__UNIQUE_ID_ddebug\d*)(?:\.\d+)*$/;
export const isRenewable = (name: string): boolean => RENEWABLE.test(name);
