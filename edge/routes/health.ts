import type { Hono } from "hono";
import { isCode } from "../../shared/errors.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";
import { formatInstant, SECOND } from "../../shared/time.ts";
import { namedKey } from "../../shared/tuf/online_keys.ts";
import type { AppDeps } from "../deps.ts";
import { alarmsOf, type EdgeState } from "../health/alarms.ts";
import { jsonAnswer } from "../http/answer.ts";
import { route } from "../http/methods.ts";
import { lastRound, roundToJson } from "../publish/round.ts";
import type { WatchedStore } from "../store/watched.ts";
import type { NewestRoot } from "./newest_root.ts";

/** Whoever asks more often is given what was found. */
const KEPT_SECONDS = 5;

type HealthDeps = Pick<AppDeps, "clock" | "keys" | "faults" | "report"> & { readonly store: WatchedStore };

/** For whoever watches the edge: 200, or 503 where hosts or publishers are turned away. */
export function healthRoutes(app: Hono, deps: HealthDeps, root: NewestRoot): void {
  let known: { readonly state: EdgeState; readonly until: number } | undefined;
  const answer = async () => {
    const now = deps.clock();
    if (!known || now >= known.until) {
      known = { state: await look(deps, root), until: now + KEPT_SECONDS * SECOND };
    }
    const { status, body } = healthOf(known.state);
    const headers = status === 200 ? { "Cache-Control": `public, max-age=${KEPT_SECONDS}` } : {};
    return jsonAnswer(status, Object.fromEntries(body), headers);
  };
  route(app, "/health", { get: answer });
}

async function look(
  { store, clock, keys, faults, report }: HealthDeps,
  newest: NewestRoot,
): Promise<EdgeState> {
  let storeReadable = true;
  const tried = async <T>(read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      report(error);
      // A chain of roots that does not follow is no fault of the store.
      storeReadable &&= isCode(error, "config") || isCode(error, "parse");
      return undefined;
    }
  };
  const round = await tried(() => lastRound(store));
  const root = (await tried(() => newest.verified()))?.root;
  const names = (role: "snapshot" | "timestamp") =>
    root !== undefined && namedKey(role, keys, root) !== undefined;
  return {
    now: clock(),
    root,
    storeReadable,
    lastError: store.lastError,
    round,
    configFaults: faults,
    keys: { snapshot: names("snapshot"), timestamp: names("timestamp") },
  };
}

function healthOf(state: EdgeState): { readonly status: number; readonly body: JsonObject } {
  const { root, storeReadable, lastError, round, keys } = state;
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
    round: round ? roundToJson(round) : null,
  });
  return { status: failing ? 503 : 200, body };
}
