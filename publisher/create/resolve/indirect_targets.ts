import { equalBytes } from "../../../shared/bytes.ts";
import { ENDBR64 } from "../../../shared/x86/opcodes.ts";
import { type ChangeRefusal, changeRefusal } from "../diff/refusal.ts";
import type { Unit } from "../object/pieces.ts";
import type { PatchTarget } from "../patch_object.ts";
import { isSealedAt } from "./derived_tables.ts";
import type { PieceSelection, SelectedReference } from "./selection.ts";
import type { ShippedObjects } from "./shipped_kernel.ts";
import type { ShippedObject, ShippedSymbol } from "./shipped_object.ts";

const ENDBR = Uint8Array.from(ENDBR64);

/**
 * Refuses new code that takes the address of a function which the running kernel does not allow to be called
 * indirectly. A kernel with indirect branch tracking stops such a call on processors that have it. The compiler leaves
 * out the ENDBR64 at the start of a local function whose address nothing took, and the kernel overwrites the one of each
 * function in .ibt_endbr_seal (arch/x86/kernel/alternative.c, apply_seal_endbr(), Linux 6.12).
 *
 * What the old version of the unit refers to is left out: the kernel was built with these references.
 */
export function indirectTargetRefusals(
  { pieces }: PieceSelection,
  before: Unit,
  shipped: ShippedObjects,
): readonly ChangeRefusal[] {
  if (!tracksBranches(shipped.vmlinux)) return [];
  const known = takenNames(before);
  const refusals = new Map<string, ChangeRefusal>();
  for (const [piece, references] of pieces) {
    for (const reference of references) {
      const target = takenTarget(reference);
      if (target === undefined || known.has(target.name) || isAllowed(target, shipped)) continue;
      const from = piece.names[0] ?? piece.section.name;
      const reason = `it takes the address of ${target.name}, which the running kernel does not allow to be called through a pointer (IBT)`;
      refusals.set(`${from} ${target.name}`, changeRefusal("indirect_target", from, reason));
    }
  }
  return [...refusals.values()];
}

/**
 * Reports whether a kernel was compiled for indirect branch tracking. If so, its exported functions begin with ENDBR64,
 * because modules may take their addresses.
 */
function tracksBranches(vmlinux: ShippedObject): boolean {
  const [exported] = vmlinux.named("klp_enable_patch");
  return exported !== undefined && startsWithEndbr(vmlinux, exported);
}

function startsWithEndbr(object: ShippedObject, { address }: ShippedSymbol): boolean {
  const code = object.bytes(address, ENDBR.length);
  return code !== undefined && equalBytes(code, ENDBR);
}

/** Returns the names of everything whose address a unit takes. */
function takenNames({ pieces }: Unit): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { references } of pieces) {
    for (const { isBranch, target } of references) {
      if (isBranch) continue;
      const all = target.kind === "symbol" ? [target.name] : (pieces[target.piece]?.names ?? []);
      for (const name of all) names.add(name);
    }
  }
  return names;
}

type KernelTarget = Extract<PatchTarget, { kind: "export" | "livepatch" }>;

/** Returns what a reference takes the address of, if that is in the running kernel. */
function takenTarget({ isBranch, target }: SelectedReference): KernelTarget | undefined {
  if (isBranch || target.kind !== "kernel" || target.offset !== 0) return undefined;
  const { target: found } = target;
  return found.kind === "export" || found.kind === "livepatch" ? found : undefined;
}

function isAllowed(target: KernelTarget, shipped: ShippedObjects): boolean {
  const { own, vmlinux } = shipped;
  const isVmlinux = target.kind === "export" || target.object === vmlinux.object;
  const object = isVmlinux ? vmlinux : target.object === own.object ? own : shipped.module(target.object);
  const position = target.kind === "export" ? 0 : Math.max(target.position - 1, 0);
  const symbol = object?.named(target.name)[position];
  if (object === undefined || symbol === undefined || !symbol.isCode) return true;
  return startsWithEndbr(object, symbol) && !isSealedAt(object.derived, symbol.address);
}
