import { SITE_LENGTH } from "../../../shared/runpre/fingerprint.ts";
import { branchTarget, isNop5 } from "../../x86/branch.ts";
import type { PatchSite } from "../patch_sites.ts";
import { codeAt, mapEntries, type SiteSources, siteOffset, symbolsTable } from "./sources.ts";

const LENGTH = SITE_LENGTH.ftrace;

/**
 * The calls that ftrace can attach to, one at the entry of nearly every function, and the calls in ftrace's own
 * trampolines, which it aims at whatever is attached.
 */
export function ftraceSites(sources: SiteSources): readonly PatchSite[] {
  const table = symbolsTable(sources, "__start_mcount_loc", "__stop_mcount_loc");
  const entries = mapEntries(table, "mcount_loc", 8, (reader) => reader.u64())
    // Later kernels sort the table when they are built and leave zeros where functions were dropped.
    .filter((address) => address !== 0n)
    .map((address) => entrySite(sources, address));
  return [...entries, ...trampolineSites(sources)];
}

/** As linked: the compiler's call to __fentry__, or the nop that objtool made of it. Anything else is not understood. */
function entrySite(sources: SiteSources, address: bigint): PatchSite {
  const code = codeAt(sources, address, LENGTH);
  const fentry = sources.symbols.only("__fentry__")?.address;
  const isCall = code[0] === 0xe8 && fentry !== undefined && branchTarget(code, address) === fentry;
  return {
    kind: isCall || isNop5(code) ? "ftrace" : "ftrace_other",
    at: siteOffset(sources, address),
    length: LENGTH,
  };
}

function trampolineSites(sources: SiteSources): readonly PatchSite[] {
  return ["ftrace_call", "ftrace_regs_call", "ftrace_graph_call"]
    .flatMap((name) => sources.symbols.named(name))
    .map(({ address }) => ({ kind: "ftrace_trampoline", at: siteOffset(sources, address), length: LENGTH }));
}
