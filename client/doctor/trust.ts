import { type Places, provisionedRootFile, readConfig } from "../../node/config/config.ts";
import { readIfPresent } from "../../node/files.ts";
import { saneTime } from "../../node/transport/freshness.ts";
import { type HostVerifiers, hostVerifiers, nodeVerifier } from "../../node/verifier.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type Clock, DAY, formatInstant } from "../../shared/time.ts";
import { selfSignedRoot } from "../../shared/tuf/trusted_set.ts";
import { killSwitch } from "../host/kill_switch.ts";
import type { System } from "../host/system.ts";
import { hostTrust } from "../trust/host_trust.ts";
import { type Check, type CheckOutcome, fail, ok, warn } from "./check.ts";

/** How long before its expiry the root of trust is warned of. */
const ROOT_NOTICE_MS = 30 * DAY;

/** Checks what the administrator has set up. */
export const setupChecks = (
  places: Places,
  clock: Clock,
  system: System,
  verifiers: () => HostVerifiers = hostVerifiers,
): readonly Check[] => [
  { name: "cryptography", look: async () => cryptography(verifiers()) },
  { name: "clock", look: () => time(places, clock) },
  { name: "configuration", look: () => configuration(places) },
  { name: "root", look: () => root(places, clock) },
  { name: "switch", look: () => offSwitch(places, system) },
];

/** Tells which implementation verifies signatures. */
function cryptography({ second }: HostVerifiers): CheckOutcome {
  if (second)
    return ok("OpenSSL verifies Ed25519 signatures; before a module is loaded, tweetnacl must agree");
  return warn(
    "tweetnacl alone verifies Ed25519 signatures, because the OpenSSL of this Node has no Ed25519",
    "This is so in FIPS mode, for one. A fault in tweetnacl would not be noticed, and each poll takes longer.",
  );
}

async function time(places: Places, clock: Clock): Promise<CheckOutcome> {
  const root = await readIfPresent(provisionedRootFile(places));
  const latest = root && (await hostTrust(places.stateDir, root).latestTime());
  return ok(`the time is ${formatInstant(saneTime(clock, latest))}`);
}

async function configuration(places: Places): Promise<CheckOutcome> {
  const { feed, mode } = await readConfig(places);
  return ok(`${feed.join(", ")}; scheduled runs: ${mode}`);
}

async function root(places: Places, clock: Clock): Promise<CheckOutcome> {
  const path = provisionedRootFile(places);
  const bytes = await readIfPresent(path);
  if (!bytes) return fail(`${path} is missing`, "Set the root of trust with `rebootless init`.");
  const { version, expires } = await selfSignedRoot(bytes, nodeVerifier).catch(damaged(path));
  const says = `version ${version}, which expires at ${formatInstant(expires)}`;
  if (expires > clock() + ROOT_NOTICE_MS) return ok(says);
  return warn(says, "The feed may already have a newer one. If not, its publishers must sign one.");
}

const damaged =
  (path: string) =>
  (cause: unknown): never => {
    throw new RebootlessError("trust", `${path} does not verify as a root of trust`, {
      cause,
      hint: "Get it from the publisher again, and run `rebootless init`.",
    });
  };

async function offSwitch(places: Places, system: System): Promise<CheckOutcome> {
  const off = await killSwitch(places, system);
  return off === undefined
    ? ok("rebootless is not switched off")
    : warn(`switched off: ${off}`, "Neither the timer nor the boot applies updates until this is removed.");
}
