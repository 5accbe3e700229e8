import type { UpdateId } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Update } from "../../shared/feed/update.ts";
import { upgradeKernel } from "../apply/upgrade.ts";
import type { Context } from "../context.ts";
import { withheldUpdates } from "../plan/withheld.ts";
import { policyOf } from "../policy/policy.ts";
import { openHost } from "../this_host.ts";
import { requireSecondOpinion } from "../trust/second_opinion.ts";
import { changeRun } from "./change_run.ts";
import { kernelLine, pollLine } from "./describe.ts";
import { type PollingOptions, pollFeed } from "./polling.ts";
import { Results } from "./results.ts";

export interface UpgradeOptions extends PollingOptions {
  readonly dryRun?: boolean;
  /** Overrides the setting `partial`. */
  readonly partial?: boolean;
  readonly replaceOthers?: boolean;
}

/**
 * Polls the feed, verifies the answer, and matches and applies the updates that this kernel lacks.
 *
 * @throws RebootlessError if an update could not be applied; `left_out` if a named update is not applied in the end.
 */
export async function upgrade(
  context: Context,
  ids: readonly string[],
  options: UpgradeOptions,
): Promise<void> {
  const { places, terminal, system, clock } = context;
  const { dryRun = false, replaceOthers = false } = options;
  const host = await openHost(places);
  const start = system.uptime();
  const { polled, feed, milliseconds } = await pollFeed(context, host, options);
  const { manifest } = polled;
  terminal.say(kernelLine(host.kernel));
  terminal.say(pollLine(polled, feed.traffic, milliseconds));
  const asked = ids.length === 0 ? undefined : askedFor(ids, manifest.updates);

  const results = new Results(context, asked);
  const members = () => ({
    build_id: host.buildId,
    dry_run: dryRun,
    requests: feed.traffic.requests,
    bytes: feed.traffic.bytes,
    milliseconds: Math.round(system.uptime() - start),
  });
  await results.of("upgrade", members, async () => {
    const { kernel, run } = await changeRun(context, host, results);
    await upgradeKernel({
      kernel,
      offer: { ...manifest, feed, directory: host.directory },
      wish: {
        asked,
        withheld: withheldUpdates(
          await policyOf(host.config, places, system),
          manifest.updates,
          clock(),
          asked,
        ),
        replaceOthers,
        recall: host.config.recall,
        partial: options.partial ?? host.config.partial,
        dryRun,
      },
      run: {
        ...run,
        begin: async () => {
          await context.lock.take();
          context.stop.heed();
          await requireSecondOpinion(host, polled.verified);
        },
      },
    });
    context.record.observedAll("recalled");
    if (results.length === 0) terminal.say("Nothing to apply.");
  });
  if (asked === undefined && !dryRun) context.record.observedAll("failed");
}

export function askedFor(ids: readonly string[], updates: readonly Update[]): ReadonlySet<UpdateId> {
  return new Set(
    ids.map((text) => {
      const update = updates.find(({ id }) => id === text);
      if (update) return update.id;
      throw new RebootlessError("usage", `no update is called ${text}`, {
        hint: "`rebootless check` lists the updates.",
      });
    }),
  );
}
