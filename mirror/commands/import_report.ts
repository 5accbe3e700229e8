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

/** The number of kernels that a log line names. Further kernels are only counted. */
const SHOWN = 100;

export const mirrorFreshness = (
  { clock, terminal }: Context,
  acceptStale: string | undefined,
): Freshness => ({
  now: saneTime(clock, undefined),
  acceptStaleMs: acceptStale === undefined ? 0 : staleness(acceptStale),
  notice: terminal.notice,
});

/** Writes a line about a run into the mirror's log. */
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

/** Warns that hosts, which have seen the versions that the site signed, accept no lower ones. */
export function remindOfSite({ terminal }: Context, { taken, renewed, site }: KernelImport): void {
  const count = [...taken, ...renewed].filter((id) => site.has(id)).length;
  if (count === 0) return;
  terminal.notice(
    `warning: ${counted(count, "kernel")} had timestamps that this site signed: hosts refuse them until you run \`mirror resign\` again`,
  );
}

/** Throws the gravest fault, if there is one. Everything without a fault was imported. */
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
    hint: error.hint ?? "Its old state is unchanged. All kernels without a fault were taken.",
    answer: {
      ...answer,
      failed: faults.map((fault) =>
        jsonObject({ build_id: fault.buildId, code: fault.error.code, message: fault.error.message }),
      ),
    },
  });
}
