import { type JsonObject, jsonObject } from "../../shared/json.ts";
import { formatInstant } from "../../shared/time.ts";
import { hostJournal } from "../apply/host_journal.ts";
import type { Context } from "../context.ts";
import { runningKernel } from "../host/identity.ts";
import type { BootId, JournalRecord } from "../journal/record.ts";
import { participle } from "./describe.ts";

/** Shows the changes to this kernel, oldest first, boot by boot. */
export async function history(context: Context): Promise<void> {
  const { terminal } = context;
  const kernel = runningKernel();
  const journal = await hostJournal(context, kernel);
  const { records } = await journal.read();
  let boot: BootId | undefined;
  for (const [n, record] of records.entries()) {
    if (record.boot !== boot)
      terminal.say(`boot ${record.boot}${record.boot === journal.boot ? " (this one)" : ""}`);
    boot = record.boot;
    const line = recordLine(record, records[n + 1]);
    if (line !== undefined) terminal.say(`  ${formatInstant(record.at)}  ${line}`);
  }
  if (records.length === 0) terminal.say("This kernel has not been changed yet.");
  terminal.result("history", {
    build_id: kernel.buildId,
    boot: journal.boot,
    records: records.map(recordToJson),
  });
}

/** Describes a record. An intent is described only if it has no outcome. */
function recordLine(record: JournalRecord, next: JournalRecord | undefined): string | undefined {
  const { id } = record;
  switch (record.kind) {
    case "intent":
      if (next?.kind === "outcome") return undefined;
      if (next === undefined) return `${record.act} ${id}: begun`;
      return `${record.act} ${id}: begun, and the host went down`;
    case "outcome":
      if (!record.done) return `${record.act} ${id}: not done, ${record.cause}: ${record.detail}`;
      return `${record.act === "apply" ? "applied" : "undone"} ${id} in ${record.milliseconds} ms`;
    case "matched":
      return `${id}: ${record.objects.join(", ")} loaded later and matched`;
    case "released":
      return `${id}: not a suspect any more`;
    case "standing":
      return `${id}: was applied`;
    case "suspect":
      return `${id}: suspect, the host went down while this was being ${participle(record.act)}`;
  }
}

const recordToJson = ({ at, boot, ...event }: JournalRecord): JsonObject =>
  jsonObject({ at: formatInstant(at), boot, ...event });
