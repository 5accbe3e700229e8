import type { KernelState } from "../kernel_state.ts";
import { chooseForm } from "./alternative.ts";
import { retarget } from "./call.ts";
import { writeCallPadding } from "./call_padding.ts";
import { writeFtrace, writeFtraceCall } from "./ftrace.ts";
import { writeJumpLabel } from "./jump_label.ts";
import { move, moveCall } from "./moved.ts";
import { writeParavirt } from "./paravirt.ts";
import { relocate } from "./relocation.ts";
import { writeRetpoline } from "./retpoline.ts";
import { writeReturnSite } from "./return_thunk.ts";
import { writeRuntimeConstant, writeRuntimeMask } from "./runtime_constant.ts";
import type { WriteExpected } from "./site.ts";
import { type AlternativeSite, type ComparedSite, isUndone, type UndoneSite } from "./site_kinds.ts";
import { writeLock } from "./smp_lock.ts";
import { writeStaticCall } from "./static_call.ts";

type Writers = { readonly [K in ComparedSite["kind"]]: WriteExpected<Extract<ComparedSite, { kind: K }>> };

const WRITERS: Writers = {
  alternative: writeAlternative,
  jump_label: writeJumpLabel,
  static_call: writeStaticCall,
  paravirt: writeParavirt,
  retpoline: writeRetpoline,
  runtime_constant: writeRuntimeConstant,
  runtime_mask: writeRuntimeMask,
  return_thunk: writeReturnSite,
  return_thunk_moved: writeReturnSite,
  ftrace: writeFtrace,
  ftrace_call: writeFtraceCall,
  smp_lock: writeLock,
  call_padding: writeCallPadding,
  call_padding_open: writeCallPadding,
};

/**
 * Writes the bytes that the kernel's state demands at a site (at `place` from `_text`) to `out`, from `at`
 * on.
 */
export function writeExpected(
  kernel: KernelState,
  site: ComparedSite,
  place: number,
  out: Uint8Array,
  at: number,
): void {
  // The table has a writer for the site's own kind, which TypeScript cannot follow.
  const write = WRITERS[site.kind] as WriteExpected<ComparedSite>;
  write(kernel, site, place, out, at);
}

/** Writes the form in force, and in it the bytes that the kernel's state demands at its own sites. */
function writeAlternative(
  kernel: KernelState,
  site: AlternativeSite,
  place: number,
  out: Uint8Array,
  at: number,
): void {
  const form = chooseForm(kernel, site.forms);
  out.set(form.code, at);
  for (const inner of form.sites) {
    if (isUndone(inner)) redo(kernel, inner, out, at + inner.at);
    else writeExpected(kernel, inner as ComparedSite, place + inner.at, out, at + inner.at);
  }
}

/** Applies in place what boot did to a value as linked. */
const redo = (kernel: KernelState, site: UndoneSite, code: Uint8Array, at: number): void =>
  apply(kernel, site, code, at, 1);

/** Restores the value as linked, in place. */
export const undoSite = (kernel: KernelState, site: UndoneSite, code: Uint8Array, at: number): void =>
  apply(kernel, site, code, at, -1);

function apply(kernel: KernelState, site: UndoneSite, code: Uint8Array, at: number, direction: 1 | -1): void {
  switch (site.kind) {
    case "moved":
      move(kernel, site, code, at, direction);
      break;
    case "call":
    case "moved_call":
      retarget(kernel, code, at, direction);
      if (site.kind === "moved_call") moveCall(kernel, site, code, at, direction);
      break;
    default:
      relocate(code, site.kind, at, direction * kernel.displacement);
  }
}
