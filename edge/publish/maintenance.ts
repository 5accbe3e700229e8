import { counted } from "../../shared/counted.ts";
import { Decoder } from "../../shared/decode.ts";
import { encodeJson, type JsonObject, jsonObject, parseJson } from "../../shared/json.ts";
import { MAX_SMALL_VALUES } from "../../shared/limits.ts";
import { formatInstant, type Instant, parseInstant } from "../../shared/time.ts";
import { MAINTENANCE_KEY } from "../store/keys.ts";
import type { Store } from "../store/store.ts";
import { decodeExpiries, expiriesToJson } from "./expiries.ts";
import { type RenewalDeps, type RenewalTotals, renewExpiring } from "./renew_expiring.ts";
import { StagingArea } from "./staging_area.ts";

/** The results of a maintenance run, and what it found out about all feeds. */
export interface MaintenanceRun extends RenewalTotals {
  readonly at: Instant;
  /** The number of staged artifacts that were deleted because no publish named them in time. */
  readonly swept: number;
}

/**
 * The largest number of staged artifacts that one run deletes. Deleting is quick, and the run has other work.
 */
const MAX_SWEPT = 500;

/** Renews feeds, deletes old staged artifacts, and stores the results of this run. */
export async function runMaintenance(deps: RenewalDeps): Promise<MaintenanceRun> {
  const at = deps.clock();
  const totals = await renewExpiring(deps);
  const run = { ...totals, at, swept: await new StagingArea(deps.store, deps.clock).sweep(MAX_SWEPT) };
  await save(deps.store, encodeJson(maintenanceToJson(run)));
  return run;
}

/**
 * Reads the results of the last run. Returns undefined before the first one.
 *
 * @throws RebootlessError `parse` if they are damaged.
 */
export async function lastMaintenance(store: Store): Promise<MaintenanceRun | undefined> {
  const file = await store.get(MAINTENANCE_KEY);
  if (!file) return undefined;
  const json = new Decoder(parseJson(await file.bytes(), "maintenance", MAX_SMALL_VALUES), "maintenance");
  const count = (name: string) => json.get(name).integer(0);
  return {
    at: json.get("at").as(parseInstant),
    kernels: count("kernels"),
    renewed: count("renewed"),
    recorded: count("recorded"),
    failed: count("failed"),
    swept: count("swept"),
    nearest: decodeExpiries(json.get("nearest")),
  };
}

export const maintenanceToJson = ({ at, nearest, ...counts }: MaintenanceRun): JsonObject =>
  jsonObject({ at: formatInstant(at), ...counts, nearest: expiriesToJson(nearest) });

/** Describes a run in a line of the log. */
export const maintenanceSummary = ({ kernels, renewed, recorded, failed, swept }: MaintenanceRun): string =>
  `maintenance of ${counted(kernels, "kernel")}: ${renewed} renewed, ${recorded} recorded, ${failed} failed; ${counted(swept, "upload")} deleted`;

/** Writes the record without a retry: of two runs at once, either may be the one that is stored. */
async function save(store: Store, bytes: Uint8Array): Promise<void> {
  const known = await store.head(MAINTENANCE_KEY);
  if (known) await store.replace(MAINTENANCE_KEY, known.revision, bytes);
  else await store.create(MAINTENANCE_KEY, bytes);
}
