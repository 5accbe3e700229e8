import type { UpdateId } from "../../shared/brand.ts";
import { kernelFactsToJson } from "../../shared/feed/kernel.ts";
import { type JsonObject, type JsonValue, jsonObject } from "../../shared/json.ts";
import { formatInstant } from "../../shared/time.ts";
import type { Totals } from "../catalogue/catalogue.ts";
import type { CatalogueChange } from "../catalogue/change.ts";
import type {
  CveListPage,
  HoldingListPage,
  KernelLine,
  KernelListPage,
  UpdateEntry,
} from "../catalogue/entry.ts";
import type { GuideProps } from "../pages/guides.tsx";
import type { ShownKernel, ShownUpdate } from "../pages/kernel.tsx";
import type { KernelsProps } from "../pages/kernels.tsx";
import type { TrustProps } from "../pages/trust.tsx";
import { groupHoldings } from "../pages/update.tsx";
import { expiriesToJson } from "../publish/expiries.ts";

/** The version of this JSON, which has what pages show. Members may be added; it rises when one changes its meaning. */
const SCHEMA = 1;

const view = (members: Readonly<Record<string, JsonValue>>): JsonObject =>
  jsonObject({ schema: SCHEMA, ...members });

export const homeJson = (totals: Totals, changes: readonly CatalogueChange[]): JsonObject =>
  view({ kernels: totals.kernels, updates: totals.updates, changes: changes.map(changeToJson) });

export const kernelsJson = ({ query, page, updates }: KernelsProps): JsonObject =>
  view({
    ...pageToJson(page, `/kernels?${new URLSearchParams({ q: query })}`),
    updates: updates.map(({ update: entry, kernel: facts }) =>
      jsonObject({ ...entryMembers(entry), release: facts.release }),
    ),
  });

/**
 * Encodes a kernel. `complete` is false if its feed is too large: the JSON then has its newest updates, with
 * less of each.
 */
export const kernelJson = ({ kernel: facts, updates, isWhole, version, expires }: ShownKernel): JsonObject =>
  view({
    kernel: kernelFactsToJson(facts),
    version,
    expires: jsonObject({
      timestamp: formatInstant(expires.timestamp),
      targets: formatInstant(expires.targets),
    }),
    complete: isWhole,
    updates: updates.map(kernelUpdate),
  });

function kernelUpdate({ detail, ...entry }: ShownUpdate): JsonObject {
  if (!detail) return jsonObject(entryMembers(entry));
  const { depends, conflicts, supersedes } = detail;
  const objects = detail.objects.map(({ name, functions }) => jsonObject({ name, functions }));
  return jsonObject({ ...entryMembers(entry), depends, conflicts, supersedes, objects });
}

/** Encodes an update. `update` is that of the first kernel of the page; each kernel has its own too. */
export const updateJson = (id: UpdateId, page: HoldingListPage): JsonObject =>
  view({
    update: page.holdings.slice(0, 1).map((holding) => jsonObject(entryMembers(holding.update)))[0] ?? null,
    ...holdingsToJson(page, `/updates/${id}`),
  });

/** Encodes a CVE. `updates` are those of the page's kernels, each description once. */
export const cveJson = (name: string, page: HoldingListPage): JsonObject =>
  view({
    cve: name,
    updates: groupHoldings(page).map(([first]) => jsonObject(entryMembers(first.update))),
    ...holdingsToJson(page, `/cves/${name}`),
  });

export const cvesJson = ({ cves: lines, next }: CveListPage): JsonObject =>
  view({
    cves: lines.map(({ cve: name, updates, more }) =>
      jsonObject({
        cve: name,
        updates: updates.map(({ id, recalled }) => jsonObject({ id, recalled })),
        more,
      }),
    ),
    next: next === null ? null : `/cves?${new URLSearchParams({ after: next })}`,
  });

export const trustJson = ({ root, firstRoot, roles, totals, lastRun }: TrustProps): JsonObject =>
  view({
    root: jsonObject({ version: root.version, expires: formatInstant(root.expires), sha256: root.sha256 }),
    first_root_sha256: firstRoot,
    roles: roles.map(({ name, keyIds, threshold, owners }) =>
      jsonObject({ name, threshold, keyids: keyIds, owners }),
    ),
    kernels: totals.kernels,
    updates: totals.updates,
    last_change: totals.lastChange ? changeToJson(totals.lastChange) : null,
    first_expiries: lastRun ? expiriesToJson(lastRun.nearest) : null,
  });

export const guideJson = ({ feed, firstRoot }: GuideProps): JsonObject =>
  view({ feed, first_root: `${feed}root/1.root.json`, first_root_sha256: firstRoot });

const entryMembers = ({ id, summary, cves, published, recalled }: UpdateEntry) => ({
  id,
  summary,
  cves,
  published: formatInstant(published),
  recalled,
});

/**
 * Encodes a page of kernels.
 * @param base the address of the first page, to which the cursor of the next one is added.
 */
const pageToJson = ({ kernels: lines, next }: KernelListPage, base: string) => ({
  kernels: lines.map(lineToJson),
  next: next === null ? null : `${base}${base.endsWith("?") ? "" : "&"}after=${next}`,
});

const holdingsToJson = ({ holdings, next }: HoldingListPage, base: string) => ({
  kernels: holdings.map(
    ({ line, update: entry }): JsonObject =>
      new Map<string, JsonValue>([...lineToJson(line), ["update", jsonObject(entryMembers(entry))]]),
  ),
  next: next === null ? null : `${base}?${new URLSearchParams({ after: next })}`,
});

const lineToJson = ({ kernel: facts, updates, recorded }: KernelLine): JsonObject =>
  new Map<string, JsonValue>([
    ...kernelFactsToJson(facts),
    ["updates", updates],
    ["recorded", formatInstant(recorded)],
  ]);

const changeToJson = ({ at, kernel: facts, version, added, recalled }: CatalogueChange): JsonObject =>
  jsonObject({ at: formatInstant(at), kernel: kernelFactsToJson(facts), version, added, recalled });
