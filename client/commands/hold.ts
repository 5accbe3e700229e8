import { RebootlessError } from "../../shared/errors.ts";
import { type Hold, heldName, holdOf, holdToJson } from "../../shared/feed/holds.ts";
import type { Update } from "../../shared/feed/update.ts";
import { hostJournal } from "../apply/host_journal.ts";
import type { Context } from "../context.ts";
import { openHost } from "../host/host.ts";
import { readHolds, writeHolds } from "../policy/holds.ts";
import { lastVerified } from "../trust/poll.ts";

export interface HoldOptions {
  readonly reason?: string;
}

/** Keeps updates from being applied, by their ids or by CVEs that they fix, until `unhold`. */
export async function hold(context: Context, names: readonly string[], options: HoldOptions): Promise<void> {
  const { places, terminal, clock, lock } = context;
  const wanted = names.map(checkedName);
  const updates = await knownUpdates(context);
  await lock.take();
  const since = clock();
  const added = wanted.map((what): Hold => ({ what, reason: options.reason ?? null, since }));
  const before = await readHolds(places.stateDir);
  const holds = [...before.filter(({ what }) => !wanted.includes(what)), ...added];
  await writeHolds(places.stateDir, holds);
  for (const one of added) terminal.say(`held       ${one.what}: ${effect(one, updates)}`);
  terminal.result("hold", { holds: holds.map(holdToJson) });
}

/** Lets updates be applied again. What is not held stays as it is. */
export async function unhold(context: Context, names: readonly string[]): Promise<void> {
  const { places, terminal, lock } = context;
  const wanted = names.map(checkedName);
  await knownUpdates(context);
  await lock.take();
  const before = await readHolds(places.stateDir);
  const holds = before.filter(({ what }) => !wanted.includes(what));
  if (holds.length < before.length) await writeHolds(places.stateDir, holds);
  const released = await releaseSuspects(context, wanted);
  for (const name of wanted) {
    const was = before.some(({ what }) => what === name) || released.has(name);
    terminal.say(was ? `let go     ${name}` : `not held   ${name}`);
  }
  terminal.result("unhold", { holds: holds.map(holdToJson) });
}

/** An update that was under way when the host went down is let go in the same way. */
async function releaseSuspects(context: Context, names: readonly string[]): Promise<ReadonlySet<string>> {
  const { host } = context.record;
  const released = new Set<string>();
  if (!host) return released;
  const journal = await hostJournal(context, host);
  const { suspects } = (await journal.read()).ledger;
  for (const id of suspects.keys()) {
    if (!names.includes(id)) continue;
    await (await journal.open()).write({ kind: "released", id });
    released.add(id);
  }
  return released;
}

async function knownUpdates({ places, record }: Context): Promise<readonly Update[]> {
  record.host = await openHost(places);
  record.manifest = (await lastVerified(record.host))?.manifest;
  return record.manifest?.updates ?? [];
}

function effect(one: Hold, updates: readonly Update[]): string {
  const ids = updates.filter((update) => holdOf(update, [one])).map(({ id }) => id);
  if (ids.length === 0) return "nothing that was verified here is called that or fixes that, so far";
  return `${ids.join(", ")} will not be applied; what is applied stays, \`rebootless undo\` takes it out`;
}

function checkedName(text: string): string {
  try {
    return heldName(text);
  } catch (cause) {
    throw new RebootlessError("usage", `nothing can be called ${JSON.stringify(text.slice(0, 80))}`, {
      cause,
      hint: "Name an update's id, as `rebootless show` lists them, or a CVE such as CVE-2026-12345.",
    });
  }
}
