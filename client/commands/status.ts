import { jsonObject } from "../../shared/json.ts";
import { hostState } from "../apply/state.ts";
import type { Context } from "../context.ts";
import { engines } from "../engines/engines.ts";
import { openHost } from "../host/host.ts";
import { lastVerified } from "../trust/poll.ts";
import { kernelLine, updateLine } from "./describe.ts";

/** What is in force now, by what the kernel says, named by what was verified last. Makes no request. */
export async function status({ places, terminal, system }: Context): Promise<void> {
  const host = await openHost(places);
  const verified = await lastVerified(host);
  const state = hostState(verified?.manifest, await engines({ system }).loaded());
  terminal.say(kernelLine(host.kernel));
  if (!verified) terminal.say("feed     nothing verified yet: run `rebootless check`");
  for (const { update, state: now } of state.updates) terminal.say(updateLine(update, now));
  for (const patch of state.foreign) {
    terminal.say(
      `${patch.state.padEnd(10)} ${patch.name}: not from this feed (${patch.functions.join(", ")})`,
    );
  }
  if (state.updates.length + state.foreign.length === 0) terminal.say("No updates.");
  terminal.result("status", {
    build_id: host.buildId,
    release: host.kernel.release,
    verified: verified !== undefined,
    updates: state.updates.map(({ update, state: now }) =>
      jsonObject({ id: update.id, module: update.module.name, state: now }),
    ),
    foreign: state.foreign.map((patch) => jsonObject({ name: patch.name, state: patch.state })),
  });
}
