/** The signals that end a run from outside: Ctrl-C, and `systemctl stop` or a shutdown. */
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
type Signal = (typeof SIGNALS)[number];

/** The requests to end a run early. */
export interface StopRequests {
  /**
   * Marks the moment before the kernel is changed. Until then, a request ends the process at once. Afterwards it is
   * noted, and the run ends itself at a point where nothing is half done. Further requests change nothing.
   */
  heed(): void;
  /** The signal that the first noted request aborts. Its reason is the name of the process signal. */
  readonly signal: AbortSignal;
}

/**
 * Listens for requests to stop.
 *
 * @param notice called with the first request.
 */
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
