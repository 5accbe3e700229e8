import { basename } from "node:path";
import type { BuildId } from "../../shared/brand.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { EXIT } from "../../shared/exit_codes.ts";
import { jsonObject } from "../../shared/json.ts";
import { formatInstant } from "../../shared/time.ts";
import { inGroups, named, ownersOf } from "../../shared/tuf/key_words.ts";
import { type Root, TOP_ROLES } from "../../shared/tuf/schema.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";
import type { PublisherContext } from "../context.ts";
import { edgeReader } from "../feed/edge_client.ts";
import { daysLeft, expiryOf, type KeyExpiry, targetsExpiry } from "../feed/expiries.ts";
import { localKeys, newestOwnRoot, readPublisherFolder } from "../feed/publisher_folder.ts";
import { newerRoots } from "../feed/root_chain.ts";
import { expiryInWords } from "../keys/expiry.ts";
import { atRest } from "../keys/key_file.ts";
import { readRoot } from "../keys/root.ts";
import { sharedKeys } from "../keys/root_faults.ts";

export interface RootStatusOptions {
  readonly feed?: string;
  readonly kernel: readonly BuildId[];
  /** The number of days within which an expiry is warned about. */
  readonly within: number;
  readonly exitCode: boolean;
}

/** Shows the root of trust, which of its keys are in the folder, and what expires soon. It changes nothing. */
export async function rootStatus(
  context: PublisherContext,
  dir: string,
  options: RootStatusOptions,
): Promise<void> {
  const now = context.clock();
  await readPublisherFolder(dir);
  const state = await stateOf(dir, options);
  const soon = state.expiries.filter((one) => one.lapsed || daysLeft(one, now) < options.within);
  const warnings = [
    ...soon.map(({ what, expires, lapsed }) =>
      lapsed
        ? `hosts refuse ${what}, because too few of its signatures are by keys of the root in force`
        : `${what} expires: ${expiryInWords(expires, now)}`,
    ),
    ...(state.behind ? [`the feed has newer roots than ${dir}: fetch them with \`root fetch\``] : []),
    ...sharedKeys(state.root),
  ];
  const roles = await Promise.all(TOP_ROLES.map((role) => roleStatus(dir, state.root, role)));
  report(context, state, roles, warnings);
  if (options.exitCode && soon.length > 0) context.exitWith(EXIT.expired);
}

interface State {
  readonly root: Root;
  /** True if the feed has newer roots than the folder. */
  readonly behind: boolean;
  readonly expiries: readonly KeyExpiry[];
}

async function stateOf(dir: string, { feed, kernel }: RootStatusOptions): Promise<State> {
  const held = await newestOwnRoot({ dir });
  if (feed === undefined) {
    if (kernel.length > 0) throw new RebootlessError("usage", "--kernel needs a feed: give --feed URL");
    const root = await readRoot(held);
    return { root, behind: false, expiries: [expiryOf("root", root)] };
  }
  const edge = edgeReader(feed);
  const newest = (await newerRoots(edge, held)).at(-1);
  const root = newest?.root ?? (await readRoot(held));
  const targets = await Promise.all(kernel.map((id) => targetsExpiry(edge, root, id)));
  const expiries = [expiryOf("root", root), ...targets];
  return { root, behind: newest !== undefined, expiries };
}

function report(
  { terminal, clock }: PublisherContext,
  { root, expiries }: State,
  roles: readonly RoleStatus[],
  warnings: readonly string[],
): void {
  const now = clock();
  for (const { what, version, expires } of expiries) {
    terminal.say(`${what.padEnd(10)} version ${version}, until ${expiryInWords(expires, now)}`);
  }
  for (const line of roles.flatMap(roleLines)) terminal.say(line);
  for (const warning of warnings) terminal.say(`WARNING    ${inGroups(warning)}`);
  terminal.result("root status", {
    version: root.version,
    expires: formatInstant(root.expires),
    expiries: expiries.map((expiry) => expiryToJson(expiry, daysLeft(expiry, now))),
    roles: jsonObject(Object.fromEntries(roles.map(({ role, ...rest }) => [role, jsonObject(rest)]))),
    warnings,
  });
}

type RoleStatus = Awaited<ReturnType<typeof roleStatus>>;

async function roleStatus(dir: string, root: Root, role: (typeof TOP_ROLES)[number]) {
  const { threshold, keyIds } = roleOf(root, role);
  const here = await localKeys({ dir }, root, role);
  return {
    role,
    threshold,
    keys: keyIds,
    owners: ownersOf(keyIds, root.keys),
    here: here.map(({ id }) => id),
    /** The names of the key files by key ID. */
    files: new Map(here.map(({ id, path }) => [id, basename(path)])),
    open: here.filter((key) => atRest(key) === "not encrypted").map(({ id }) => id),
  };
}

const roleLines = ({ role, threshold, keys, owners, files, open }: RoleStatus): readonly string[] => [
  `${role.padEnd(10)} ${threshold} of ${counted(keys.length, "key")} must sign`,
  ...keys.map((id) => {
    const file = files.get(id);
    const place = file === undefined ? "" : `, here in ${file}${open.includes(id) ? ", not encrypted" : ""}`;
    return `  key      ${inGroups(named(id, { owner: owners.get(id) }))}${place}`;
  }),
];

const expiryToJson = ({ what, version, expires, lapsed }: KeyExpiry, days: number) =>
  jsonObject({ what, version, expires: formatInstant(expires), days_left: days, lapsed });
