import { RebootlessError } from "../../shared/errors.ts";
import type { Context } from "../context.ts";
import type { System } from "../host/system.ts";
import { journalFile, journalPath } from "../journal/file.ts";
import { type Journal, type JournalView, openJournal, readJournal } from "../journal/journal.ts";
import { type BootId, bootId } from "../journal/record.ts";
import type { Host } from "../this_host.ts";

const BOOT_ID = "/proc/sys/kernel/random/boot_id";

/** This host's record of its changes to the running kernel. */
export interface HostJournal {
  /** Reads the journal. This needs no lock. */
  read(): Promise<JournalView>;
  /** Opens the journal for writing, which only the holder of the state lock may do. */
  open(): Promise<Journal>;
  readonly boot: BootId;
}

export async function hostJournal(
  context: Context,
  { buildId }: Pick<Host, "buildId">,
): Promise<HostJournal> {
  const { places, clock, terminal, system } = context;
  const file = journalFile(journalPath(places.stateDir, buildId));
  const boot = await currentBoot(system);
  return {
    boot,
    read: () => readJournal(file, boot),
    open: () => openJournal({ file, boot, clock, notice: terminal.notice }),
  };
}

async function currentBoot(system: System): Promise<BootId> {
  const text = await system.read(BOOT_ID);
  if (text !== undefined) return bootId(text);
  throw new RebootlessError("unsupported", `cannot read ${BOOT_ID}`, { hint: "Is /proc mounted?" });
}
