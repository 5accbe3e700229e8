import { counted } from "../../../shared/counted.ts";
import type { Piece, Unit } from "../object/pieces.ts";
import { type ChangeRefusal, changeRefusal } from "./refusal.ts";

/** Refuses a datum whose initial content or size changed, with advice for the kind of table that it is. */
export function changedData(old: Piece, now: Piece, unit: Unit): ChangeRefusal {
  const subject = now.names[0] ?? now.section.name;
  const advice = tableAdvice(now, unit);
  return old.size === now.size
    ? changeRefusal(
        "changed_data",
        subject,
        `its initial value in ${now.section.name} changed, but the running kernel has the old value`,
        advice,
      )
    : changeRefusal(
        "changed_layout",
        subject,
        `it has ${counted(now.size, "byte")} now, but ${old.size} in the running kernel`,
        advice,
      );
}

/** Returns what to do about a table that was registered when the kernel or the module started. */
function tableAdvice({ names, references }: Piece, { pieces }: Unit): string | undefined {
  if (names.some((name) => /^__mod_.*_device_table$/.test(name)))
    return "Leave the table as it is. Hosts can add a device to a running driver by its file new_id in /sys.";
  const named = references.flatMap(({ target }) =>
    target.kind === "symbol" ? target.name : (pieces[target.piece]?.names[0] ?? ""),
  );
  if (named.some((name) => /^proc_do(?:u?long|u?int|string|bool|u8)/.test(name)))
    return "Leave the table of sysctl entries as it is. A pre-patch hook can register a table of new entries (register_sysctl).";
  if (named.some((name) => /(?:^|_)attr(?:_|$)/.test(name)))
    return "Leave the table of attributes as it is. A pre-patch hook can add new files to objects that exist (sysfs_create_file).";
  return references.length > 0
    ? "Leave the table as it is, because the kernel has it registered. Change the functions that it names instead."
    : undefined;
}
