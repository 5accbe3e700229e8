import type { StopRequests } from "../../node/stop.ts";

/** For a run that nobody asks to end, or whoever aborts what is given. */
export const stopBy = ({ signal } = new AbortController()): StopRequests => ({
  signal,
  heed: () => undefined,
});
