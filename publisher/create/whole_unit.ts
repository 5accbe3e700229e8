import type { ObjectName } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { CALLBACKS } from "../module/target_objects.ts";
import { openVersion } from "./object/version.ts";
import type { PatchObject } from "./patch_object.ts";
import { buildPatch } from "./resolve/patch_builder.ts";
import { type ReferenceResolver, referenceResolver } from "./resolve/references.ts";
import { matchUnit } from "./resolve/runpre.ts";
import { selectPieces } from "./resolve/selection.ts";
import { NOTHING_SHARED } from "./resolve/shared_names.ts";
import { openShipped, type ShippedKernel, type ShippedObjects } from "./resolve/shipped_kernel.ts";

/**
 * Prepares the author's own unit of hooks for a kernel object: the callbacks and everything that they need.
 * It replaces nothing.
 * @param source name of the unit for messages.
 * @throws ParseError.
 * @throws RebootlessError `usage` if it has no callback.
 * @throws RebootlessError `not_live` if it needs something that the kernel cannot give.
 */
export function wholeUnit(
  file: Uint8Array,
  source: string,
  object: ObjectName,
  kernel: ShippedKernel,
): PatchObject {
  const version = openVersion(file);
  const { unit } = version;
  const hooks = unit.pieces.filter(({ names }) => CALLBACKS.some((callback) => names.includes(callback)));
  if (hooks.length === 0) {
    throw new RebootlessError("usage", `${source} has no hook`, {
      hint: `Name the functions ${CALLBACKS.join(", ")}; they must not be static.`,
    });
  }
  const shipped = openShipped(object, kernel);
  const correlation = { newOf: new Map(), oldOf: new Map(), ambiguous: new Set<string>() };
  const match = matchUnit({ ...unit, pieces: [] }, shipped.own);
  const resolve = withLocals(referenceResolver(kernel, shipped, match, NOTHING_SHARED), shipped);
  const selection = selectPieces(version, hooks, new Set(), correlation, resolve);
  const [first] = selection.refusals;
  if (first === undefined) return buildPatch({ source, object }, selection, [], kernel.namespaces).patch;
  throw new RebootlessError("not_live", `${first.subject}: ${first.reason}`, {
    hint: first.advice,
  });
}

/**
 * Returns a resolver that also finds names local to a unit of the kernel, if they exist only once. Hooks may
 * need one, such as the datum that they set.
 */
const withLocals = (resolver: ReferenceResolver, { own, vmlinux }: ShippedObjects): ReferenceResolver => ({
  ...resolver,
  symbol: (name) => {
    const found = resolver.symbol(name);
    if (found !== undefined) return found;
    const owner = [own, vmlinux].find((object) => object.named(name).length === 1);
    return owner && { kind: "livepatch", object: owner.object, name, position: 0 };
  },
});
