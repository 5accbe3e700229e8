import { type JsonObject, type JsonValue, jsonObject } from "../../shared/json.ts";
import { formatInstant } from "../../shared/time.ts";
import type { UpdateAndState } from "../apply/host_state.ts";
import { heldBy, holdToJson } from "../plan/holds.ts";
import type { Withheld } from "../plan/withheld.ts";
import type { Host } from "../this_host.ts";
import type { HostView } from "./host_view.ts";

/** Encodes the state of a host as members of status.json, and of what `status --json` prints. */
export function hostMembers({ buildId, kernel }: Host, view: HostView): Readonly<Record<string, JsonValue>> {
  return {
    kernel: jsonObject({
      build_id: buildId,
      release: kernel.release,
      effective_release: view.effective,
    }),
    updates: view.state.updates.map((update) => updateStateToJson(update, view)),
    foreign: view.state.foreign.map(({ name, state, replaces }) =>
      jsonObject({ name, state, replace: replaces }),
    ),
    suspects: [...view.journal.ledger.suspects].map(([id, { act, at, boot }]) =>
      jsonObject({ id, act, at: formatInstant(at), boot }),
    ),
    differences: view.differences.map(({ id, difference }) => jsonObject({ id, difference })),
    holds: holdsToJson(view),
  };
}

export function holdsToJson({ policy, state }: HostView): JsonValue {
  const updates = state.updates.map(({ update }) => update);
  return policy.holds.map((hold) => holdToJson(hold, heldBy(hold, updates)));
}

export function updateStateToJson({ update, state }: UpdateAndState, view: HostView): JsonObject {
  const withheld = view.withheld.get(update.id);
  return jsonObject({
    id: update.id,
    state,
    summary: update.summary,
    cves: update.cves,
    published: formatInstant(update.published),
    recalled: update.recalled,
    module: update.module.name,
    pending: view.inForce.get(update.id) ?? [],
    withheld: withheld && withheldToJson(withheld),
  });
}

const withheldToJson = ({ reason, until, detail }: Withheld): JsonObject =>
  jsonObject({ reason, until: until === null ? null : formatInstant(until), detail });
