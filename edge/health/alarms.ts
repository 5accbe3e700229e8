import { counted } from "../../shared/counted.ts";
import { DAY, formatInstant, HOUR, type Instant, MINUTE } from "../../shared/time.ts";
import type { OnlineRole } from "../../shared/tuf/online_keys.ts";
import type { Root } from "../../shared/tuf/schema.ts";
import type { ConfigFault } from "../config.ts";
import { EXPIRING, type Expiring } from "../publish/expiries.ts";
import type { MaintenanceRun } from "../publish/maintenance.ts";
import type { MonitoredStore } from "../store/monitored_store.ts";
import type { AlarmName } from "./alarm_table.ts";

/** The known state of an edge at one time. */
export interface EdgeState {
  readonly now: Instant;
  /**
   * The root in force; undefined if the store could not be read, or if its roots do not follow from the
   * trusted one.
   */
  readonly root: Root | undefined;
  readonly storeReadable: boolean;
  readonly lastError: MonitoredStore["lastError"];
  /** The last maintenance run; undefined before the first one. */
  readonly lastRun: MaintenanceRun | undefined;
  /** The bindings of the deployment that are missing or malformed. */
  readonly configFaults: readonly ConfigFault[];
  /** Tells for each role whether the root in force names a key that the edge holds. */
  readonly keys: Readonly<Record<OnlineRole, boolean>>;
}

export interface Alarm {
  readonly name: AlarmName;
  /** The level of the alarm. `failing` means that hosts or publishers are refused now. */
  readonly level: "warning" | "failing";
  readonly message: string;
}

/**
 * The time before an expiry at which there is a warning. Files that the edge signs are usually signed again
 * long before.
 */
const WARNED_BEFORE: Readonly<Record<Expiring | "root", number>> = {
  root: 30 * DAY,
  timestamp: 1 * DAY,
  snapshot: 7 * DAY,
  targets: 30 * DAY,
};
/** The time after the last maintenance run at which there is an alarm. Three runs are missing then. */
const MAINTENANCE_OVERDUE = 12 * HOUR;
const RECENT = 15 * MINUTE;

export function alarmsOf(state: EdgeState): readonly Alarm[] {
  return [
    ...configAlarms(state),
    ...storeAlarms(state),
    ...rootAlarms(state),
    ...expiryAlarms(state),
    ...maintenanceAlarms(state),
  ];
}

function* configAlarms({ configFaults }: EdgeState): Generator<Alarm> {
  for (const { message } of configFaults) yield { name: "config_invalid", level: "failing", message };
}

function* storeAlarms({ storeReadable, lastError, now }: EdgeState): Generator<Alarm> {
  if (!storeReadable) {
    yield { name: "store_unreadable", level: "failing", message: "the store cannot be read" };
  } else if (lastError && now - lastError.at < RECENT) {
    const message = `the store failed at ${formatInstant(lastError.at)} (${lastError.operation})`;
    yield { name: "store_errors", level: "warning", message };
  }
}

const BINDINGS = { snapshot: "SNAPSHOT_KEY", timestamp: "TIMESTAMP_KEY" } as const;

function* rootAlarms({ root, storeReadable, keys, now, configFaults }: EdgeState): Generator<Alarm> {
  if (!root) {
    if (!storeReadable) return;
    yield {
      name: "root_invalid",
      level: "failing",
      message: "the stored roots do not follow from TRUSTED_ROOT",
    };
    return;
  }
  if (root.expires - now < WARNED_BEFORE.root) {
    const message = `root version ${root.version} expires at ${formatInstant(root.expires)}`;
    yield { name: "root_expires", level: root.expires <= now ? "failing" : "warning", message };
  }
  for (const role of ["snapshot", "timestamp"] as const) {
    if (keys[role] || configFaults.some(({ binding }) => binding === BINDINGS[role])) continue;
    const message = `root version ${root.version} names no key of ${BINDINGS[role]}`;
    yield { name: `${role}_key`, level: "failing", message };
  }
}

function* expiryAlarms({ lastRun, now }: EdgeState): Generator<Alarm> {
  for (const role of EXPIRING) {
    const nearest = lastRun?.nearest[role];
    if (!nearest || nearest.at - now >= WARNED_BEFORE[role]) continue;
    // Publishers sign targets: one kernel without a publisher is no failure of the edge.
    const level = nearest.at <= now && role !== "targets" ? "failing" : "warning";
    const message = `${role} of kernel ${nearest.kernel} expires at ${formatInstant(nearest.at)}`;
    yield { name: `${role}_expires`, level, message };
  }
}

function* maintenanceAlarms({ lastRun, now }: EdgeState): Generator<Alarm> {
  if (!lastRun || now - lastRun.at > MAINTENANCE_OVERDUE) {
    const message = lastRun
      ? `the last maintenance run was at ${formatInstant(lastRun.at)}`
      : "there was no maintenance run yet";
    yield { name: "round_missing", level: "warning", message };
  } else if (lastRun.failed > 0) {
    const message = `the last maintenance run failed for ${counted(lastRun.failed, "kernel")}`;
    yield { name: "round_failed", level: "warning", message };
  }
}
