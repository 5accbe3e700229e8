import type { ObjectName } from "../../shared/brand.ts";
import type { Refusal } from "./diff/refusal.ts";
import { selectPieces } from "./diff/selection.ts";
import { openVersion, type ShippedKernel } from "./difference.ts";
import type { PatchObject } from "./patch_object.ts";
import { buildPatch } from "./resolve/patch_builder.ts";
import { referenceResolver } from "./resolve/references.ts";
import { openShipped } from "./resolve/shipped_kernel.ts";

/** Code of the update's author beside the patch (hooks), compiled as a unit of the kernel is. */
export interface AuthorsUnit {
  /** For messages. */
  readonly source: string;
  /** Whose functions and data it uses, by name: `vmlinux` or a module. */
  readonly object: ObjectName;
  readonly file: Uint8Array;
}

export type AuthorsPatch =
  | { readonly kind: "patch"; readonly patch: PatchObject }
  | { readonly kind: "refused"; readonly refusals: readonly Refusal[] };

/**
 * Keeps all functions of a unit and what they need; what it does not define is the running kernel's.
 * @throws ParseError, RebootlessError, as `differentiate`.
 */
export function keepUnit({ source, object, file }: AuthorsUnit, kernel: ShippedKernel): AuthorsPatch {
  const version = openVersion(file);
  const shipped = openShipped(object, kernel);
  const nothing = { functions: new Map(), addresses: new Map(), symbols: new Map() };
  const resolve = referenceResolver(kernel, shipped, nothing, new Set());
  const roots = version.unit.pieces.filter(({ role, names }) => role === "code" && names.length > 0);
  const unrelated = { newOf: new Map(), oldOf: new Map(), ambiguous: new Set<string>() };
  const selection = selectPieces(version, roots, new Set(), unrelated, resolve);
  if (selection.refusals.length > 0) return { kind: "refused", refusals: selection.refusals };
  const { patch } = buildPatch({ source, object }, selection, [], shipped.importNamespaces);
  return { kind: "patch", patch };
}
