import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { reachedAt } from "../../shared/feed/rollout.ts";
import type { Update } from "../../shared/feed/update.ts";
import { updateTrialText, updateTrialToJson } from "../../shared/feed/update_trial.ts";
import { jsonObject } from "../../shared/json.ts";
import { formatInstant } from "../../shared/time.ts";
import type { UpdateAndState } from "../apply/host_state.ts";
import type { Context } from "../context.ts";
import { updateStateToJson } from "../report/host_json.ts";
import { type HostView, viewHost } from "../report/host_view.ts";
import { openHost } from "../this_host.ts";
import { lastVerified } from "../trust/stored_feed.ts";
import { updateLine } from "./describe.ts";

export interface ShowOptions {
  readonly available?: boolean;
  readonly applied?: boolean;
}

/** Lists the updates that were verified last for this kernel, or shows one of them in full. Makes no request. */
export async function show(context: Context, id: string | undefined, options: ShowOptions): Promise<void> {
  const host = await openHost(context.places);
  const verified = await lastVerified(host);
  if (!verified) {
    throw new RebootlessError("unreachable", "nothing has been verified for this kernel yet", {
      hint: "Run `rebootless check` first.",
    });
  }
  const view = await viewHost(context, host, verified.manifest);
  if (id === undefined) list(context, view, options);
  else inFull(context, view, findUpdate(id, view));
}

function list({ terminal }: Context, view: HostView, options: ShowOptions): void {
  const chosen = view.state.updates.filter(({ state: now }) => {
    if (!options.available && !options.applied) return true;
    return (options.available && now === "available") || (options.applied && now === "applied");
  });
  for (const { update, state: now } of chosen) {
    const why = view.withheld.get(update.id);
    terminal.say(`${updateLine(update, now)}${why && now === "available" ? `, ${why.detail}` : ""}`);
  }
  if (chosen.length === 0) terminal.say("No updates.");
  terminal.result("show", {
    updates: chosen.map((one) => updateStateToJson(one, view)),
  });
}

function findUpdate(id: string, { state }: HostView): UpdateAndState {
  const found = state.updates.find(({ update }) => update.id === id);
  if (found) return found;
  throw new RebootlessError("usage", `no update is called ${id}`, { hint: "`rebootless show` lists them." });
}

function inFull({ terminal }: Context, view: HostView, one: UpdateAndState): void {
  const { update } = one;
  for (const [label, text] of facts(view, one)) {
    if (text !== "") terminal.say(`${label.padEnd(11)}${text}`);
  }
  const { rollout } = update;
  terminal.result("show", {
    update: jsonObject({
      ...Object.fromEntries(updateStateToJson(one, view)),
      effective_release: update.effective,
      engine: update.engine,
      tried: update.tried && updateTrialToJson(update.tried),
      depends: update.depends,
      conflicts: update.conflicts,
      supersedes: update.supersedes,
      replace: update.replace,
      rollout:
        rollout &&
        jsonObject({
          start: formatInstant(rollout.start),
          hours: rollout.hours,
          here: formatInstant(reachedAt(rollout, view.policy.bucket(update.id))),
        }),
      modules: [update.module, ...update.parts].map(({ name, sha256, length }) =>
        jsonObject({ name, sha256, length }),
      ),
      objects: update.objects.map(({ name, functions }) =>
        jsonObject({ name, functions: functions.map((fn) => jsonObject({ name: fn.name, size: fn.size })) }),
      ),
    }),
  });
}

function facts(view: HostView, { update, state }: UpdateAndState): readonly (readonly [string, string])[] {
  const withheld = view.withheld.get(update.id);
  const pending = view.inForce.get(update.id) ?? [];
  return [
    ["update", `${update.id}: ${update.summary}`],
    ["state", withheld && state === "available" ? `${state}, ${withheld.detail}` : state],
    ["pending", pending.join(" ")],
    ["recalled", update.recalled ?? ""],
    ["published", formatInstant(update.published)],
    ["roll-out", rolloutText(view, update)],
    ["fixes", update.cves.join(" ")],
    ["release", update.effective ?? ""],
    ["needs", update.depends.join(" ")],
    ["conflicts", update.conflicts.join(" ")],
    ["supersedes", update.supersedes.join(" ")],
    ["tried", update.tried === undefined ? "" : updateTrialText(update.tried)],
    ["engine", update.replace ? `${update.engine}, replaces every other live patch` : update.engine],
    ...[update.module, ...update.parts].map(
      ({ name, length, sha256 }) =>
        ["module", `${name}, ${counted(length, "byte")}, sha256 ${sha256}`] as const,
    ),
    ...update.objects.map(({ name, functions }) => {
      const list = functions.map((fn) => `${fn.name} (${counted(fn.size, "byte")})`).join(", ");
      return ["changes", `${name}: ${list || "only by callbacks"}`] as const;
    }),
  ];
}

function rolloutText({ policy }: HostView, { id, rollout }: Update): string {
  if (!rollout) return "";
  const here = formatInstant(reachedAt(rollout, policy.bucket(id)));
  return `from ${formatInstant(rollout.start)} over ${rollout.hours} h, here ${here}`;
}
