import { BRANCH_LENGTH, CALL } from "../../../shared/x86/opcodes.ts";
import { branchTarget, isNop5 } from "../../x86/branch.ts";
import { MCOUNT_LOC } from "../kernel_tables.ts";
import type { PatchSite } from "./patch_site.ts";
import { codeAt, linkerTable, mapEntries, type SiteSources, siteOffset } from "./sources.ts";

/**
 * Returns the calls that ftrace can attach to, one at the entry of nearly every function, and the calls in
 * ftrace's own trampolines, which it aims at whatever is attached.
 */
export function ftraceSites(sources: SiteSources): readonly PatchSite[] {
  const table = linkerTable(sources, "__mcount_loc", "__start_mcount_loc", "__stop_mcount_loc");
  const entries = mapEntries(table, "mcount_loc", MCOUNT_LOC.size, (entry) =>
    entry.get(MCOUNT_LOC.fields.place),
  )
    // Later kernels sort the table when they are built and leave zeros where functions were dropped.
    .filter((address) => address !== 0n)
    .map((address) => entrySite(sources, address));
  return sources.module ? entries : [...entries, ...trampolineSites(sources)];
}

/**
 * Returns the site at a function's entry. As linked, it is the compiler's call to __fentry__, or the nop that
 * objtool made of it. Other code is not understood.
 */
function entrySite(sources: SiteSources, address: bigint): PatchSite {
  const code = codeAt(sources, address, BRANCH_LENGTH);
  const at = siteOffset(sources, address);
  const fentry = sources.symbols.only("__fentry__")?.address;
  const isCall = code[0] === CALL && fentry !== undefined && branchTarget(code, address) === fentry;
  return isCall || isNop5(code)
    ? { kind: "ftrace", at }
    : { kind: "unknown", table: "ftrace", at, length: BRANCH_LENGTH };
}

/**
 * Returns the calls in trampolines. In kernels before 5.18, `ftrace_graph_call` is a jump that a switch turns
 * on; it is not understood.
 */
function trampolineSites(sources: SiteSources): readonly PatchSite[] {
  const places = (name: string): readonly number[] =>
    sources.symbols.named(name).map(({ address }) => siteOffset(sources, address));
  return [
    ...["ftrace_call", "ftrace_regs_call"]
      .flatMap(places)
      .map((at) => ({ kind: "ftrace_call", at }) as const),
    ...places("ftrace_graph_call").map(
      (at) => ({ kind: "unknown", table: "ftrace_graph", at, length: BRANCH_LENGTH }) as const,
    ),
  ];
}
