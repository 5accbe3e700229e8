import type { Piece } from "../object/pieces.ts";

/** What the main loop of a kernel thread asks whether to end (kernel/kthread.c, Linux 6.1 and 6.12). */
const ASKED: ReadonlySet<string> = new Set([
  "kthread_should_stop",
  "kthread_should_park",
  "kthread_should_stop_or_park",
  "kthread_freezable_should_stop",
]);

/** Which of these a function calls, undefined for most. A main loop does not return while its thread runs: no transition ends. */
export function threadQuestion({ references }: Piece): string | undefined {
  for (const { target } of references) {
    if (target.kind === "symbol" && ASKED.has(target.name)) return target.name;
  }
  return undefined;
}
