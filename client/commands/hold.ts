import { nearNames } from "../../node/cli/near.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import { hostJournal } from "../apply/host_journal.ts";
import type { Context } from "../context.ts";
import { type Hold, heldBy, heldName, holdToJson } from "../plan/holds.ts";
import { readHolds, writeHolds } from "../policy/holds.ts";
import { openHost } from "../this_host.ts";
import { lastVerified } from "../trust/stored_feed.ts";

export interface HoldOptions {
  readonly reason?: string;
  /** Whether names are accepted that no known update has or fixes. */
  readonly force?: boolean;
}

export interface UnholdOptions {
  /** Whether names that are not held are ignored. */
  readonly force?: boolean;
}

/**
 * Keeps updates from being applied until `unhold`, by their ids or by CVEs that they fix. A name that no known update has
 * or fixes may be misspelt, and would keep nothing back; it is refused unless forced.
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

/** Allows updates to be applied again. Names that are not held are refused, or ignored if forced. */
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
  for (const name of wanted) terminal.say(held.has(name) ? `released   ${name}` : `not held   ${name}`);
  terminal.result("unhold", { holds: holds.map((one) => holdToJson(one, heldBy(one, updates))) });
}

/** Finds the suspects: updates that were being changed when the host went down. They are released in the same way. */
async function openSuspects(context: Context) {
  const { host } = context.record;
  const journal = host && (await hostJournal(context, host));
  const names = journal ? [...(await journal.read()).ledger.suspects.keys()] : [];
  return {
    names,
    release: async (id: (typeof names)[number]) => (await journal?.open())?.write({ kind: "released", id }),
  };
}

/** Returns the updates of this kernel; undefined if nothing has been verified for it yet. */
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
    throw new RebootlessError("usage", `it is not known yet whether there is anything called ${names}`, {
      hint: "Nothing has been verified for this kernel yet. Run `rebootless check` first, or use --force to hold it anyway.",
    });
  }
  throw new RebootlessError("usage", `no update for this kernel is called ${names} or fixes it`, {
    hint: `${suggestion(unknown, known)}\`rebootless show\` lists the updates. --force holds it anyway, for the time when it arrives.`,
  });
}

function requireHeld(wanted: readonly string[], held: ReadonlySet<string>): void {
  const unknown = wanted.filter((name) => !held.has(name));
  if (unknown.length === 0) return;
  throw new RebootlessError("usage", `not held: ${unknown.join(", ")}; nothing was released`, {
    hint: `${suggestion(unknown, held)}\`rebootless hold\` lists the holds. --force releases those that are held and ignores the others.`,
  });
}

function suggestion(unknown: readonly string[], known: Iterable<string>): string {
  const near = nearNames(unknown[0] ?? "", known);
  return near.length === 0 ? "" : `Did you mean ${near.join(" or ")}? `;
}

function effect(one: Hold, updates: readonly Update[]): string {
  const ids = heldBy(one, updates);
  if (ids.length === 0) return "no known update has this id or fixes this CVE";
  return `${ids.join(", ")} will not be applied; an update that is applied stays until \`rebootless undo\``;
}

function checkedName(text: string): string {
  try {
    return heldName(text);
  } catch (cause) {
    throw new RebootlessError("usage", `not an update's id or a CVE: ${JSON.stringify(text.slice(0, 80))}`, {
      cause,
      hint: "Name an update's id, as `rebootless show` lists them, or a CVE such as CVE-2026-12345.",
    });
  }
}
