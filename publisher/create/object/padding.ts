import { NOP } from "../../../shared/x86/opcodes.ts";
import type { Piece, Unit } from "./pieces.ts";

/**
 * Returns the padding before a function, if its unit has any: NOPs without a name that end where the function starts.
 * A kernel that tracks the depth of calls fills the padding in and makes calls of the function go there
 * (arch/x86/kernel/callthunks.c, Linux 6.2 and later), so that it belongs to the function.
 */
export function paddingOf(
  { pieces }: Pick<Unit, "pieces">,
  { index, role, names, section, start }: Piece,
): Piece | undefined {
  const before = pieces[index - 1];
  if (before === undefined || role !== "code" || names.length === 0) return undefined;
  const isBefore = before.section === section && before.start + before.size === start;
  const isPadding = before.names.length === 0 && before.bytes.every((byte) => byte === NOP);
  return isBefore && isPadding ? before : undefined;
}
