import type { Piece } from "../object/pieces.ts";

/**
 * The functions by which the main loop of a kernel thread asks whether it should end (kernel/kthread.c, Linux
 * 6.1 and 6.12).
 */
const ASKED: ReadonlySet<string> = new Set([
  "kthread_should_stop",
  "kthread_should_park",
  "kthread_should_stop_or_park",
  "kthread_freezable_should_stop",
]);

/**
 * Returns which of these functions a function calls, or undefined if it calls none. A main loop does not
 * return while its thread runs, so a transition would never end.
 */
export function threadQuestion({ references }: Piece): string | undefined {
  for (const { target } of references) {
    if (target.kind === "symbol" && ASKED.has(target.name)) return target.name;
  }
  return undefined;
}
