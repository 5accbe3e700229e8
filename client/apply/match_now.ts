import { isCode, type RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import { matchUpdate } from "./match.ts";
import type { Offer, RunningKernel } from "./upgrade_parts.ts";

/**
 * Compares an update with the running kernel as it is now.
 *
 * @param update an update with those of its objects that are loaded, and no others.
 * @throws RebootlessError as `matchUpdate`.
 */
export async function matchNow(
  update: Update,
  kernel: Pick<RunningKernel, "engines" | "system" | "memory" | "modules">,
  { updates, landmarks }: Pick<Offer, "updates" | "landmarks">,
): Promise<{ readonly functions: number; readonly bytes: number }> {
  const loaded = await kernel.engines.loaded();
  const memory = kernel.memory();
  try {
    const sleep = (milliseconds: number) => kernel.system.sleep(milliseconds);
    return await matchUpdate(update, { landmarks, memory, updates, loaded, sleep }, kernel.modules());
  } finally {
    memory.close();
  }
}

/** Returns the error of a check that says that an update cannot be matched, or undefined if the check passes. */
export async function matchError(check: () => Promise<unknown>): Promise<RebootlessError | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (isCode(error, "runpre") || isCode(error, "unsupported")) return error;
    throw error;
  }
}
