import { RebootlessError } from "../../shared/errors.ts";
import type { Context } from "../context.ts";
import { holdsToJson } from "../report/host_json.ts";
import { viewHost } from "../report/host_view.ts";
import { openHost } from "../this_host.ts";
import { lastVerified } from "../trust/stored_feed.ts";
import { holdLine } from "./describe.ts";
import type { HoldOptions } from "./hold.ts";

/** Lists the holds, and what each of them keeps back now. Makes no request. */
export async function holds(context: Context, options: HoldOptions): Promise<void> {
  if (options.reason !== undefined || options.force) {
    throw new RebootlessError("usage", "no update or CVE to hold is given", {
      hint: "Use `rebootless hold ID|CVE --reason TEXT`. Without a name and options, it lists the holds.",
    });
  }
  const host = await openHost(context.places);
  const view = await viewHost(context, host, (await lastVerified(host))?.manifest);
  for (const hold of view.policy.holds) context.terminal.say(holdLine(hold, view.state));
  if (view.policy.holds.length === 0) context.terminal.say("Nothing is held.");
  context.terminal.result("hold", { holds: holdsToJson(view) });
}
