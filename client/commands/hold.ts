import { nearNames } from "../../node/cli/near.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import { hostJournal } from "../apply/host_journal.ts";
import type { Context } from "../context.ts";
import { type Hold, heldBy, heldName, holdToJson } from "../plan/holds.ts";
import { readHolds, writeHolds } from "../policy/holds.ts";
import { openHost } from "../this_host.ts";
import { lastVerified } from "../trust/poll.ts";

export interface HoldOptions {
  readonly reason?: string;
  /** Takes names that nothing here has. */
  readonly force?: boolean;
}

export interface UnholdOptions {
  /** Passes over what is not held. */
  readonly force?: boolean;
}

/**
 * Keeps updates from being applied, by their ids or by CVEs that they fix, until `unhold`. A name that nothing here has, and
 * that may be misspelt, would keep nothing back: it is refused unless forced.
 */
export async function hold(context: Context, names: readonly string[], options: HoldOptions): Promise<void> {
  const { places, terminal, clock, lock } = context;
  const wanted = names.map(checkedName);
  const updates = await knownUpdates(context);
  await lock.take();
  const before = await readHolds(places.stateDir);
  if (!options.force) requireKnown(wanted, before, updates);
  const since = clock();
  const added = wanted.map((what): Hold => ({ what, reason: options.reason ?? null, since }));
  const holds = [...before.filter(({ what }) => !wanted.includes(what)), ...added];
  await writeHolds(places.stateDir, holds);
  for (const one of added) terminal.say(`held       ${one.what}: ${effect(one, updates ?? [])}`);
  terminal.result("hold", { holds: holds.map((one) => holdToJson(one, heldBy(one, updates ?? []))) });
}

/** Lets updates be applied again. Refused for what is not held, unless forced: then that stays as it is. */
export async function unhold(
  context: Context,
  names: readonly string[],
  { force }: UnholdOptions,
): Promise<void> {
  const { places, terminal, lock } = context;
  const wanted = names.map(checkedName);
  const updates = (await knownUpdates(context)) ?? [];
  await lock.take();
  const before = await readHolds(places.stateDir);
  const suspects = await openSuspects(context);
  const held = new Set([...before.map(({ what }) => what), ...suspects.names]);
  if (!force) requireHeld(wanted, held);
  const holds = before.filter(({ what }) => !wanted.includes(what));
  if (holds.length < before.length) await writeHolds(places.stateDir, holds);
  for (const name of suspects.names) if (wanted.includes(name)) await suspects.release(name);
  for (const name of wanted) terminal.say(held.has(name) ? `let go     ${name}` : `not held   ${name}`);
  terminal.result("unhold", { holds: holds.map((one) => holdToJson(one, heldBy(one, updates))) });
}

/** Updates that were under way when the host went down: they are let go in the same way. */
async function openSuspects(context: Context) {
  const { host } = context.record;
  const journal = host && (await hostJournal(context, host));
  const names = journal ? [...(await journal.read()).ledger.suspects.keys()] : [];
  return {
    names,
    release: async (id: (typeof names)[number]) => (await journal?.open())?.write({ kind: "released", id }),
  };
}

/** undefined where nothing was verified for this kernel yet. */
async function knownUpdates({ places, record }: Context): Promise<readonly Update[] | undefined> {
  record.host = await openHost(places);
  record.manifest = (await lastVerified(record.host))?.manifest;
  return record.manifest?.updates;
}

function requireKnown(
  wanted: readonly string[],
  before: readonly Hold[],
  updates: readonly Update[] | undefined,
): void {
  const known = new Set(before.map(({ what }) => what));
  for (const { id, cves } of updates ?? []) for (const name of [id, ...cves]) known.add(name);
  const unknown = wanted.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  const names = unknown.join(", ");
  if (updates === undefined) {
    throw new RebootlessError("usage", `whether there is anything called ${names} is not known yet`, {
      hint: "Nothing was verified for this kernel so far: run `rebootless check` first, or say --force to hold it unseen.",
    });
  }
  throw new RebootlessError("usage", `no update for this kernel is called ${names} or fixes it`, {
    hint: `${suggestion(unknown, known)}\`rebootless show\` lists what there is; --force holds it all the same, for when it comes.`,
  });
}

function requireHeld(wanted: readonly string[], held: ReadonlySet<string>): void {
  const unknown = wanted.filter((name) => !held.has(name));
  if (unknown.length === 0) return;
  throw new RebootlessError("usage", `${unknown.join(", ")}: not held, so nothing was let go`, {
    hint: `${suggestion(unknown, held)}\`rebootless hold\` lists what is held; --force lets go what is, and passes over the rest.`,
  });
}

function suggestion(unknown: readonly string[], known: Iterable<string>): string {
  const near = nearNames(unknown[0] ?? "", known);
  return near.length === 0 ? "" : `Was ${near.join(" or ")} meant? `;
}

function effect(one: Hold, updates: readonly Update[]): string {
  const ids = heldBy(one, updates);
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
