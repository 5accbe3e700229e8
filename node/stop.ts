/** What ends a run from outside: Ctrl-C, and `systemctl stop` or a shutdown. */
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
type Signal = (typeof SIGNALS)[number];

/** Requests to end a run before it is through. */
export interface StopRequests {
  /**
   * Called before the kernel is changed. Until then a request ends the process at once; from here on it is noted, and the
   * run ends itself where nothing is half done. Further requests change nothing.
   */
  heed(): void;
  /** Aborted by the first request that was heeded; the reason is the signal's name. */
  readonly signal: AbortSignal;
}

/** @param notice hears of the first request. */
export function stopRequests(
  process: Pick<NodeJS.EventEmitter, "on">,
  notice: (line: string) => void,
): StopRequests {
  const controller = new AbortController();
  const { signal } = controller;
  let heeding = false;
  const stop = (name: Signal) => {
    if (signal.aborted) return;
    controller.abort(name);
    notice(`${name}: what is under way is finished or taken back, and nothing more is begun`);
  };
  return {
    signal,
    heed() {
      if (heeding) return;
      heeding = true;
      for (const name of SIGNALS) process.on(name, () => stop(name));
    },
  };
}
