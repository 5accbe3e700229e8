import type { Traffic } from "../../node/transport/feed.ts";
import { counted } from "../../shared/counted.ts";
import type { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { KernelIdentity } from "../../shared/kernel_identity.ts";
import { formatInstant } from "../../shared/time.ts";
import type { HostState } from "../apply/host_state.ts";
import type { Act } from "../journal/record.ts";
import { type Hold, holdOf } from "../plan/holds.ts";
import type { LeftOut } from "../plan/order.ts";
import type { Polled } from "../trust/poll.ts";

/* The lines that several commands print, so that they are the same everywhere. */

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

/** Describes a hold and its effect now. An update that is applied already stays applied. */
export function holdLine(hold: Hold, { updates }: HostState): string {
  const reason = hold.reason === null ? "" : ` (${hold.reason})`;
  const held = updates.filter(({ update }) => holdOf(update, [hold]));
  const effects = held.map(({ update: { id }, state }) =>
    state === "available" ? `keeps ${id} back` : `${id} is ${state}`,
  );
  const effect = effects.join(", ") || "no known update has this id or fixes this CVE";
  return `held       ${hold.what} since ${formatInstant(hold.since)}${reason}: ${effect}`;
}

/** Names a change that was interrupted, for sentences such as "while this was being applied". */
export const participle = (act: Act): string => (act === "apply" ? "applied" : "undone");

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
      return "its dependencies form a circle";
    case "withheld":
      return why.withheld.detail;
    case "suspect":
      return `the host went down while this update was being changed; \`rebootless upgrade ${why.id}\` tries it again`;
    case "failed":
      return "it failed before";
    case "stopped":
      return "the run was asked to end before it came to this update";
    case "superseded":
      return `${why.by} supersedes it`;
    case "needed":
      return `${why.by} needs it and could not be undone`;
    case "replaces": {
      const others = [...why.updates, ...why.foreign].join(", ");
      return `it would take out ${others}, which it does not supersede; --replace-others allows it`;
    }
  }
}

export const passedOverLine = (why: RebootlessError): string =>
  `warning: ${why.message}; trying the next feed`;
