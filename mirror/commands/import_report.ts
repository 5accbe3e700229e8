import { type Freshness, saneTime, staleness } from "../../node/transport/freshness.ts";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type JsonValue, jsonObject } from "../../shared/json.ts";
import { formatInstant } from "../../shared/time.ts";
import type { Context } from "../context.ts";
import type { KernelFault, KernelImport } from "../kernel_import.ts";
import type { MirrorDir } from "../mirror_dir.ts";
import { writeLog } from "../sync_log.ts";
import type { Upstream } from "../upstream.ts";

/** Kernels of a log line: the rest is a number. */
const SHOWN = 100;

export const mirrorFreshness = (
  { clock, terminal }: Context,
  acceptStale: string | undefined,
): Freshness => ({
  now: saneTime(clock, undefined),
  acceptStaleMs: acceptStale === undefined ? 0 : staleness(acceptStale),
  notice: terminal.notice,
});

/** What a run did, for whoever asks later. */
export async function log(
  dir: MirrorDir,
  { feed }: Pick<Upstream, "feed">,
  freshness: Freshness,
  importing: KernelImport,
  more: Readonly<Record<string, JsonValue>> | undefined,
): Promise<void> {
  const { taken, renewed, faults, notCovered, artifacts } = importing;
  const entry = {
    at: formatInstant(freshness.now),
    feed: feed.url,
    taken: taken.length,
    renewed: renewed.length,
    not_covered: notCovered.length,
    failed: faults.length,
    artifacts: artifacts.count,
    requests: feed.traffic.requests,
    bytes: feed.traffic.bytes,
    kernels: taken.slice(0, SHOWN),
    ...more,
  };
  await writeLog(dir, jsonObject(entry));
}

/** Hosts have seen the site's versions, and take none that is lower. */
export function remindOfSite({ terminal }: Context, { taken, renewed, site }: KernelImport): void {
  const count = [...taken, ...renewed].filter((id) => site.has(id)).length;
  if (count === 0) return;
  terminal.notice(
    `warning: ${counted(count, "kernel")} had timestamps of this site's own: hosts refuse them until \`mirror resign\` was run again`,
  );
}

/** The gravest is the one to tell of. What could be taken was taken. */
export function throwFaults(
  faults: readonly KernelFault[],
  answer: Readonly<Record<string, JsonValue>>,
): void {
  const gravest = (["trust", "rollback", "expired"] as const).flatMap((code) =>
    faults.filter(({ error }) => error.code === code),
  )[0];
  if (!gravest) return;
  const { error, buildId: id } = gravest;
  const others = faults.length === 1 ? "" : ` (and ${faults.length - 1} more)`;
  throw new RebootlessError(error.code, `kernel ${id} was not taken${others}: ${error.message}`, {
    cause: error.cause,
    hint: error.hint ?? "Everything else was; its old state is as it was, and hosts judge it as before.",
    answer: {
      ...answer,
      failed: faults.map((fault) =>
        jsonObject({ build_id: fault.buildId, code: fault.error.code, message: fault.error.message }),
      ),
    },
  });
}
