/** Runs jobs, at most `width` at a time, each started as soon as one before it is done. The first failure is thrown. */
export async function inLanes(jobs: readonly (() => Promise<void>)[], width: number): Promise<void> {
  const waiting = [...jobs];
  const lane = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await job();
  };
  try {
    await Promise.all(Array.from({ length: width }, lane));
  } finally {
    waiting.length = 0;
  }
}
