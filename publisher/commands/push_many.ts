import { counted } from "../../shared/counted.ts";
import { excerpt } from "../../shared/printable.ts";
import { instant } from "../../shared/time.ts";
import type { PublisherContext } from "../context.ts";
import { requireFaultless } from "../feed/checked_request.ts";
import { draftChanges } from "../feed/draft_change.ts";
import type { DraftFile } from "../feed/draft_files.ts";
import { TARGETS_LIFETIME_MS } from "../feed/proposal.ts";
import type { PushChangesOptions } from "../feed/push.ts";
import { expiryFault, expiryInWords } from "../keys/expiry.ts";
import { consentOrUnattended, type Shown } from "./consent.ts";
import { pushCounted } from "./tally.ts";

/** The largest number of updates that are shown before the drafts are signed. */
const MAX_SHOWN = 50;

/** Publishes the drafts of many kernels, or with `dryRun` only tries it, and reports the outcome for each kernel. */
export async function pushDrafts(
  context: PublisherContext,
  pushing: PushChangesOptions,
  drafts: readonly DraftFile[],
  yes: boolean,
): Promise<void> {
  const consentToAll = async () => {
    const shown = whatIsSigned(drafts, pushing);
    requireFaultless(shown);
    await consentOrUnattended(context, shown, yes);
  };
  const answer = await pushCounted(context, drafts, draftChanges(drafts, pushing), {
    ...pushing,
    consentToAll,
  });
  context.terminal.result("push", answer);
}

/**
 * Describes what is signed for the person who consents: the updates, and how many kernels get each of them. A dry run
 * shows the changes of each kernel.
 */
function whatIsSigned(drafts: readonly DraftFile[], { expires, clock, replace }: PushChangesOptions): Shown {
  const kernels = new Map<string, number>();
  for (const { id, summary, recalled } of drafts.flatMap(({ updates }) => updates)) {
    const line = `  + update ${id}: ${excerpt(summary)}${recalled === null ? "" : " (RECALLED)"}`;
    kernels.set(line, (kernels.get(line) ?? 0) + 1);
  }
  const lines = [...kernels].map(([line, count]) => `${line}, for ${counted(count, "kernel")}`);
  const until = expires ?? instant(clock() + TARGETS_LIFETIME_MS);
  const fault = expiryFault(until, clock());
  return {
    diff: [
      `kernels    ${drafts.length}`,
      `expires    ${expiryInWords(until, clock())}`,
      ...lines.slice(0, MAX_SHOWN),
      ...(lines.length > MAX_SHOWN ? [`  and ${lines.length - MAX_SHOWN} more`] : []),
    ],
    faults: fault === undefined ? [] : [fault],
    warnings: replace ? ["no update that is in force is kept"] : [],
  };
}
