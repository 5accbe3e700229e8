import type { Hono } from "hono";
import { isCode } from "../../shared/errors.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";
import { formatInstant, SECOND } from "../../shared/time.ts";
import { namedKey } from "../../shared/tuf/online_keys.ts";
import type { AppDeps } from "../deps.ts";
import { alarmsOf, type EdgeState } from "../health/alarms.ts";
import { jsonAnswer } from "../http/answer.ts";
import { route } from "../http/route.ts";
import { lastMaintenance, maintenanceToJson } from "../publish/maintenance.ts";
import type { MonitoredStore } from "../store/monitored_store.ts";
import type { NewestRoot } from "./newest_root.ts";

/** The number of seconds for which an answer is used again. */
const CACHED_SECONDS = 5;

type HealthDeps = Pick<AppDeps, "clock" | "keys" | "faults" | "report"> & { readonly store: MonitoredStore };

/** Serves the state of the edge: with status 200, or 503 where hosts or publishers are refused. */
export function healthRoutes(app: Hono, deps: HealthDeps, root: NewestRoot): void {
  let known: { readonly state: EdgeState; readonly until: number } | undefined;
  const answer = async () => {
    const now = deps.clock();
    if (!known || now >= known.until) {
      known = { state: await examine(deps, root), until: now + CACHED_SECONDS * SECOND };
    }
    const { status, body } = healthOf(known.state);
    const headers = status === 200 ? { "Cache-Control": `public, max-age=${CACHED_SECONDS}` } : {};
    return jsonAnswer(status, Object.fromEntries(body), headers);
  };
  route(app, "/health", { get: answer });
}

async function examine(
  { store, clock, keys, faults, report }: HealthDeps,
  newest: NewestRoot,
): Promise<EdgeState> {
  let storeReadable = true;
  const tried = async <T>(read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      report(error);
      // The store is readable if the only fault is that the chain of roots does not verify.
      storeReadable &&= isCode(error, "config") || isCode(error, "parse");
      return undefined;
    }
  };
  const lastRun = await tried(() => lastMaintenance(store));
  const root = (await tried(() => newest.verified()))?.root;
  const names = (role: "snapshot" | "timestamp") =>
    root !== undefined && namedKey(role, keys, root) !== undefined;
  return {
    now: clock(),
    root,
    storeReadable,
    lastError: store.lastError,
    lastRun,
    configFaults: faults,
    keys: { snapshot: names("snapshot"), timestamp: names("timestamp") },
  };
}

function healthOf(state: EdgeState): { readonly status: number; readonly body: JsonObject } {
  const { root, storeReadable, lastError, lastRun, keys } = state;
  const alarms = alarmsOf(state);
  const failing = alarms.some(({ level }) => level === "failing");
  const body = jsonObject({
    schema: 1,
    status: failing ? "failing" : alarms.length > 0 ? "warning" : "ok",
    alarms: alarms.map(({ name, level, message }) => jsonObject({ name, level, message })),
    root: root ? jsonObject({ version: root.version, expires: formatInstant(root.expires) }) : null,
    keys: jsonObject(keys),
    store: jsonObject({
      readable: storeReadable,
      last_error: lastError
        ? jsonObject({ at: formatInstant(lastError.at), operation: lastError.operation })
        : null,
    }),
    round: lastRun ? maintenanceToJson(lastRun) : null,
  });
  return { status: failing ? 503 : 200, body };
}
