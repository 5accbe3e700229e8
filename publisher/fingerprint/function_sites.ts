import { RebootlessError } from "../../shared/errors.ts";
import {
  MAX_FUNCTION_SITES,
  SITE_LENGTH,
  type Site,
  type SiteKind,
} from "../../shared/runpre/fingerprint.ts";
import type { RelocationKind } from "../../shared/runpre/sites/relocation.ts";
import type { KernelImage } from "../image/kernel_image.ts";
import { type HandledSiteKind, type PatchSite, sitesWithin } from "../image/patch_sites.ts";
import type { FunctionBounds } from "./bounds.ts";

const HANDLED: ReadonlySet<PatchSite["kind"]> = new Set<HandledSiteKind>(["ftrace", "return_thunk"]);
const RELOCATIONS = ["reloc32", "reloc32neg", "reloc64"] as const satisfies readonly RelocationKind[];

/**
 * Every place of a function that a running kernel rewrites, sorted, from the function's start.
 * @throws RebootlessError `unsupported` if one is of a kind that hosts cannot judge, reaches out of the function or into
 * another: nothing is ever masked or left out.
 */
export function functionSites(image: KernelImage, name: string, bounds: FunctionBounds): readonly Site[] {
  const patched = sitesWithin(image.sites, bounds.start, bounds.end);
  refuseUnhandled(
    name,
    patched.filter((site) => !HANDLED.has(site.kind)),
    bounds,
  );
  const sites = [
    ...patched.map(({ kind, at }) => ({ kind: kind as HandledSiteKind, at: at - bounds.start })),
    ...RELOCATIONS.flatMap((kind) => relocationsWithin(image.relocations[kind], kind, bounds)),
  ].sort((a, b) => a.at - b.at);
  refuseUnclear(name, sites, bounds.end - bounds.start);
  return sites;
}

function refuseUnhandled(name: string, sites: readonly PatchSite[], { start }: FunctionBounds): void {
  const [first] = sites;
  if (first === undefined) return;
  const kinds = [...new Set(sites.map((site) => site.kind))].sort();
  const at = first.at - start;
  throw new RebootlessError(
    "unsupported",
    `${name}: code that a running kernel rewrites and that cannot be judged yet: ${kinds.join(", ")} (first at +0x${at.toString(16)})`,
    {
      hint: "The update cannot replace this function; replacing its callers may do.",
      details: { name, kinds: kinds.join(","), offset: at, sites: sites.length },
    },
  );
}

/** A site that is cut by the function's bounds, or by another site, has no one meaning. */
function refuseUnclear(name: string, sites: readonly Site[], size: number): void {
  if (sites.length > MAX_FUNCTION_SITES) {
    throw new RebootlessError("limit", `${name}: ${sites.length} sites, at most ${MAX_FUNCTION_SITES}`);
  }
  let end = 0;
  for (const { kind, at } of sites) {
    if (at < end || at + SITE_LENGTH[kind] > size) {
      throw new RebootlessError(
        "unsupported",
        `${name}: the ${kind} site at +0x${at.toString(16)} overlaps`,
        {
          details: { name, kinds: kind, offset: at },
        },
      );
    }
    end = at + SITE_LENGTH[kind];
  }
}

/** Also one that starts before the function and reaches into it: it gets a negative place, and is refused above. */
function relocationsWithin(
  sorted: Uint32Array,
  kind: RelocationKind,
  { start, end }: FunctionBounds,
): readonly Site[] {
  const found: { kind: SiteKind; at: number }[] = [];
  for (let i = lowerBound(sorted, start - SITE_LENGTH[kind] + 1); i < sorted.length; i++) {
    const at = sorted[i] ?? end;
    if (at >= end) break;
    found.push({ kind, at: at - start });
  }
  return found;
}

function lowerBound(sorted: Uint32Array, at: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}
