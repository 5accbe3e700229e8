import { counted } from "../../../shared/counted.ts";

/** The most objects under way that are named. */
const MAX_UNDER_WAY = 4;
/** The time in milliseconds from which on it is said how much is left. */
const LONG_MS = 20_000;

/** Tells which objects are compiled, how many there are, and how long the rest takes. */
export interface CompileCount {
  /**
   * Begins with some of the objects.
   * @param how how they are compiled: "with the patch".
   * @param jobs how many compilers run at a time.
   */
  readonly begin: (how: string, objects: readonly string[], jobs: number) => void;
  /** Counts an object that is compiled. */
  readonly done: (object: string) => void;
}

/**
 * Counts compilations. kbuild names an object when it is compiled, and takes objects up about in the order in which it
 * is given them; so those under way are the first ones that are not compiled yet.
 * @param total the number of all compilations, before and after the patch.
 * @param now returns a time in milliseconds.
 */
export function compileCount(
  total: number,
  progress: (line: string) => void,
  now: () => number,
): CompileCount {
  const start = now();
  let compiled = 0;
  let waiting: string[] = [];
  let atOnce = 1;
  const underWay = (): readonly string[] => waiting.slice(0, Math.min(atOnce, MAX_UNDER_WAY));
  return {
    begin: (how, objects, jobs) => {
      waiting = [...objects];
      atOnce = jobs;
      if (objects.length === 0) return;
      const more = objects.length - underWay().length;
      const others = more === 0 ? "" : ` and ${more} more`;
      progress(`compiling ${counted(objects.length, "file")} ${how}: ${underWay().join(", ")}${others}`);
    },
    done: (object) => {
      compiled += 1;
      waiting = waiting.filter((one) => one !== object);
      const spent = now() - start;
      const left = spent < LONG_MS ? "" : timeLeft((spent / compiled) * (total - compiled));
      const next = spent < LONG_MS || waiting.length === 0 ? "" : `; under way: ${underWay().join(", ")}`;
      progress(`compiled ${object}, ${compiled} of ${total}${left}${next}`);
    },
  };
}

function timeLeft(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 1) return "";
  return seconds < 90
    ? `, about ${counted(seconds, "second")} left`
    : `, about ${counted(Math.round(seconds / 60), "minute")} left`;
}
