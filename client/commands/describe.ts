import type { Traffic } from "../../node/transport/feed.ts";
import { counted } from "../../shared/counted.ts";
import type { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { KernelIdentity } from "../../shared/kernel_identity.ts";
import { formatInstant } from "../../shared/time.ts";
import type { HostState } from "../apply/host_state.ts";
import { type Hold, holdOf } from "../plan/holds.ts";
import type { LeftOut } from "../plan/order.ts";
import type { Polled } from "../trust/poll.ts";

/** The lines that several commands print, so that they read the same everywhere. */

export const kernelLine = (kernel: KernelIdentity): string =>
  `kernel   ${kernel.release} ${kernel.architecture}, build ID ${kernel.buildId}`;

export function pollLine(
  { changed, version, expires }: Polled,
  traffic: Traffic,
  milliseconds: number,
): string {
  const news = changed ? "new" : "not changed";
  const cost = `${counted(traffic.requests, "request")}, ${counted(traffic.bytes, "byte")}`;
  return `feed     version ${version}, ${news}, verified until ${formatInstant(expires)} (${cost}, ${milliseconds} ms)`;
}

export function updateLine(update: Update, state: string): string {
  const cves = update.cves.length > 0 ? ` [${update.cves.join(" ")}]` : "";
  return `${state.padEnd(10)} ${update.id}: ${update.summary}${cves}`;
}

/** One hold, and what it does now: an update that is applied already stays. */
export function holdLine(hold: Hold, { updates }: HostState): string {
  const reason = hold.reason === null ? "" : ` (${hold.reason})`;
  const held = updates.filter(({ update }) => holdOf(update, [hold]));
  const effects = held.map(({ update: { id }, state }) =>
    state === "available" ? `keeps ${id} back` : `${id} is ${state}`,
  );
  const effect = effects.join(", ") || "nothing here is called that or fixes that, so far";
  return `held       ${hold.what} since ${formatInstant(hold.since)}${reason}: ${effect}`;
}

export function leftOutLine(why: LeftOut): string {
  return `left out   ${why.id}: ${leftOutReason(why)}`;
}

export function leftOutReason(why: LeftOut): string {
  switch (why.reason) {
    case "recalled":
      return `recalled: ${why.why}`;
    case "conflict":
      return `it conflicts with ${why.with}, which is applied`;
    case "missing":
      return `it needs ${why.needs}, which is not applied`;
    case "cycle":
      return "its dependencies go round in a circle";
    case "withheld":
      return why.withheld.detail;
    case "suspect":
      return `the host went down while it was under way; \`rebootless upgrade ${why.id}\` tries it again`;
    case "failed":
      return "it failed before";
    case "stopped":
      return "the run was asked to end before its turn";
    case "superseded":
      return `${why.by} supersedes it`;
    case "needed":
      return `${why.by} needs it and could not be undone`;
    case "replaces": {
      const others = [...why.updates, ...why.foreign].join(", ");
      return `it would take out ${others}, which it does not supersede; --replace-others lets it`;
    }
  }
}

export const passedOverLine = (why: RebootlessError): string =>
  `warning: ${why.message}; the next feed is asked`;
