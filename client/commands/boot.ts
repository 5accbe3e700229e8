import { RebootlessError } from "../../shared/errors.ts";
import { applyAgain } from "../apply/apply_again.ts";
import { hostJournal } from "../apply/host_journal.ts";
import type { Context } from "../context.ts";
import { killSwitch } from "../host/kill_switch.ts";
import type { Ledger } from "../journal/ledger.ts";
import { withheldUpdates } from "../plan/withheld.ts";
import { policyOf } from "../policy/policy.ts";
import { openHost } from "../this_host.ts";
import { requireSecondOpinion } from "../trust/second_opinion.ts";
import { lastVerified } from "../trust/stored_feed.ts";
import { changeRun } from "./change_run.ts";
import { kernelLine, participle } from "./describe.ts";
import { Results } from "./results.ts";

/**
 * Applies again what was applied before a reboot, from what this host has verified and stored, without a feed or a network.
 * Expired metadata is accepted, because nothing is applied that was not in force before.
 */
export async function boot(context: Context): Promise<void> {
  const { places, terminal, system, clock, record, lock } = context;
  const off = await killSwitch(places, system);
  if (off !== undefined) {
    terminal.say(`rebootless is switched off (${off}): nothing is applied.`);
    return terminal.result("boot", { switched_off: off, results: [] });
  }
  const host = await openHost(places);
  record.host = host;
  const { ledger } = await (await hostJournal(context, host)).read();
  terminal.say(kernelLine(host.kernel));
  await tellSuspects(context, ledger);
  const results = new Results(context);
  const members = () => ({ build_id: host.buildId, suspects: [...ledger.suspects.keys()] });
  await results.of("boot", members, async () => {
    if (ledger.applied.size > 0) {
      await lock.take();
      const verified = await lastVerified(host);
      if (!verified) throw nothingVerified(ledger);
      const { manifest } = verified;
      record.manifest = manifest;
      const asked = new Set(ledger.applied.keys());
      const { kernel, run } = await changeRun(context, host, results);
      await applyAgain({
        kernel,
        offer: { ...manifest, directory: host.directory },
        wish: {
          withheld: withheldUpdates(
            await policyOf(host.config, places, system),
            manifest.updates,
            clock(),
            asked,
          ),
        },
        run: {
          ...run,
          begin: async () => {
            await lock.take();
            context.stop.heed();
            await requireSecondOpinion(host, verified);
          },
        },
      });
    }
    if (results.length === 0) terminal.say("Nothing to apply again.");
  });
}

async function tellSuspects({ terminal, record }: Context, { suspects }: Ledger): Promise<void> {
  for (const [id, { act }] of suspects) {
    const line = `suspect    ${id}: the host went down while this was being ${participle(act)}; it is not tried again by itself`;
    terminal.say(line);
    await record.change(line);
  }
}

function nothingVerified({ applied }: Ledger): RebootlessError {
  const ids = [...applied.keys()].join(", ");
  return new RebootlessError(
    "trust",
    `the stored metadata does not verify any more, so these updates are not applied: ${ids}`,
    {
      hint: "It was damaged, or the root of trust was replaced. `rebootless upgrade` fetches it again.",
    },
  );
}
