import { createHash } from "node:crypto";
import type { Config, Places } from "../../node/config/config.ts";
import type { UpdateId } from "../../shared/brand.ts";
import { type Bucket, bucketOf } from "../../shared/feed/rollout.ts";
import type { System } from "../host/system.ts";
import type { Policy } from "../plan/withheld.ts";
import { readHolds } from "./holds.ts";

/** The place of a host without an id of its own: the last, because it cannot be told from others like it. */
const LAST: Bucket = 1;

/** Reads the policy of this host from its configuration and its holds. */
export async function policyOf(config: Config, places: Places, system: System): Promise<Policy> {
  return {
    holds: await readHolds(places.stateDir),
    delayMs: config.delay,
    cutOff: config.cutOff ?? null,
    pin: config.pin ?? null,
    bucket: await buckets(config.rollout, system),
  };
}

async function buckets(share: Config["rollout"], system: System): Promise<(update: UpdateId) => Bucket> {
  if (share !== "normal") return () => share / 100;
  const machineId = await readMachineId(system);
  if (machineId === undefined) return () => LAST;
  return (update) => bucketOf(machineId, update, (bytes) => createHash("sha256").update(bytes).digest());
}

/** Reads machine-id(5), or D-Bus's id on a host without systemd. */
async function readMachineId(system: System): Promise<string | undefined> {
  for (const path of ["/etc/machine-id", "/var/lib/dbus/machine-id"]) {
    const id = await system.read(path);
    if (id !== undefined && /^[0-9a-f]{32}$/.test(id)) return id;
  }
  return undefined;
}
