import { JUMP, SHORT_JUMP } from "../../../shared/x86/opcodes.ts";
import { stemOf } from "../diff/names.ts";
import type { Piece, Unit } from "../object/pieces.ts";
import type { TableEntry } from "../object/special_tables.ts";

/**
 * Reports whether a branch on a key is that of DO_ONCE (include/linux/once.h, Linux 6.1 and 6.12) and may do
 * without its key. As compiled it jumps to __do_once_start, which takes a lock and returns whether the flag
 * `___done` is clear. So nothing is done twice if the flag is the kernel's own.
 *
 * @param piece the function that has the branch.
 */
export function isOnceBranch(
  { pieces }: Unit,
  { place }: TableEntry,
  key: string,
  { bytes, references }: Piece,
  isKernels: (datum: Piece) => boolean,
): boolean {
  const opcode = bytes[place];
  if (stemOf(key) !== "___once_key" || (opcode !== JUMP && opcode !== SHORT_JUMP)) return false;
  const flags = references.flatMap(({ target }) => {
    const datum = target.kind === "piece" ? pieces[target.piece] : undefined;
    return datum !== undefined && stemOf(datum.names[0] ?? "") === "___done" ? datum : [];
  });
  return flags.length > 0 && flags.every(isKernels);
}
