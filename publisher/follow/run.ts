import { FollowRun } from "./follow_run.ts";
import type { FollowState } from "./follow_state.ts";
import { openFixes } from "./plan.ts";
import { Publishing } from "./publishing.ts";
import { tellPeople } from "./telling.ts";
import type { FollowTools } from "./tools.ts";

/**
 * Does what is left to do: looks for kernels and fixes, makes, tries and publishes. The state is written after each step, and
 * each step can be done again, so a run that is killed anywhere loses nothing and doubles nothing.
 */
export async function followOnce(before: FollowState, tools: FollowTools): Promise<FollowState> {
  const run = new FollowRun(before, tools);
  const kernels = await tools.kernels();
  await run.look(kernels);
  const publishing = new Publishing(run, tools, kernels);
  for (const kernel of run.kernelsToPublish()) await publishing.publish(kernel);
  for (const fix of openFixes(run.state)) {
    await run.make(fix, kernels);
    for (const item of run.itemsToTry(fix)) {
      await run.try(item);
      await publishing.publish(item.kernel);
    }
  }
  const waiting = run.state.items.flatMap(({ state }) => (state.kind === "waiting" ? [state.request] : []));
  await tools.tidy(new Set(waiting));
  return tellPeople(run.state, tools);
}
