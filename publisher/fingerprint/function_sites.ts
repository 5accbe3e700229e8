import { RebootlessError } from "../../shared/errors.ts";
import { MAX_FUNCTION_SITES } from "../../shared/runpre/fingerprint.ts";
import type { Site } from "../../shared/runpre/sites/site_kinds.ts";
import type { PatchedCode } from "../image/patch_sites.ts";
import { joinRelocations } from "../image/sites/moved.ts";
import { type PatchSite, patchLength, sitesWithin, type UnknownSite } from "../image/sites/patch_site.ts";
import type { FunctionBounds } from "./bounds.ts";

/**
 * Returns every place of a function that a running kernel rewrites, sorted, with offsets from the function's start. No such
 * place is ever masked or left out; those at which every running kernel has the same code become part of the digest.
 * @throws RebootlessError `unsupported` if a place is of a kind that hosts cannot verify, extends beyond the function, or
 * overlaps another place; `limit`.
 */
export function functionSites(image: PatchedCode, name: string, bounds: FunctionBounds): readonly Site[] {
  const { start, end } = bounds;
  const patched = sitesWithin(image.sites, start, end);
  refuseUnknown(
    name,
    patched.filter((site) => site.kind === "unknown"),
    bounds,
  );
  // Relocations inside an alternative are left out, because the alternative has them itself.
  const relocations = image
    .relocated(start, end)
    .filter(
      ({ at }) =>
        !patched.some((site) => site.kind === "alternative" && at >= site.at && at < site.at + site.length),
    );
  const all = joinRelocations<PatchSite>([...patched, ...relocations]).map(
    (site): PatchSite => ({ ...site, at: site.at - start }),
  );
  refuseUnclear(name, all, end - start);
  return all.filter((site) => site.kind !== "unknown" && site.kind !== "fixed");
}

function refuseUnknown(name: string, sites: readonly UnknownSite[], { start }: FunctionBounds): void {
  const [first] = sites;
  if (first === undefined) return;
  const kinds = [...new Set(sites.map((site) => site.table))].sort();
  const at = first.at - start;
  throw new RebootlessError(
    "unsupported",
    `${name}: a running kernel rewrites its code in a way that is not understood: ${kinds.join(", ")} (first at +0x${at.toString(16)})`,
    {
      hint: "The update cannot replace this function, but it may be enough to replace its callers.",
      details: { name, kinds: kinds.join(","), offset: at, sites: sites.length },
    },
  );
}

/** Refuses sites that extend beyond the function or overlap another site, because their meaning is not clear. */
function refuseUnclear(name: string, sites: readonly PatchSite[], size: number): void {
  if (sites.length > MAX_FUNCTION_SITES) {
    throw new RebootlessError("limit", `${name}: ${sites.length} sites, at most ${MAX_FUNCTION_SITES}`);
  }
  let end = 0;
  for (const site of sites) {
    const { kind, at } = site;
    if (at < end || at + patchLength(site) > size) {
      throw new RebootlessError(
        "unsupported",
        `${name}: the ${kind} site at +0x${at.toString(16)} overlaps`,
        {
          details: { name, kinds: kind, offset: at },
        },
      );
    }
    end = at + patchLength(site);
  }
}
