import { RebootlessError } from "../../shared/errors.ts";
import type { KernelManifest } from "../../shared/feed/manifest.ts";

/**
 * Refuses a manifest with an update that is new, or has another module than in force, and does not say that it was tried.
 * What is in force stays publishable, and so does a recall.
 * @param before the manifest in force.
 * @throws RebootlessError `refused`.
 */
export function requireTrials(manifest: KernelManifest, before: KernelManifest | undefined): void {
  const inForce = new Map(before?.updates.map(({ id, module }) => [id, module.sha256]));
  const untried = manifest.updates.find(
    ({ id, module, recalled, tried }) =>
      tried === undefined && recalled === null && inForce.get(id) !== module.sha256,
  );
  if (untried === undefined) return;
  throw new RebootlessError(
    "refused",
    `update ${untried.id} does not say that it was tried, and this feed takes no others`,
    { hint: "Try its draft with `rebootless-publish try`, and push it again with the result beside it." },
  );
}
