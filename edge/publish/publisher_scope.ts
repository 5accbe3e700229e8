import { type BuildId, buildId } from "../../shared/brand.ts";
import type { Decoder } from "../../shared/decode.ts";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import { MAX_ENTRIES } from "../../shared/limits.ts";
import { matchesPattern } from "../../shared/tuf/path_pattern.ts";

/**
 * The operations that a publisher may be allowed. `updates` allows publications of kernels, and staging
 * artifacts for them.
 */
export const OPERATIONS = ["updates", "root"] as const;
export type Operation = (typeof OPERATIONS)[number];

/**
 * A set of kernels. A kernel must match one entry of each list that is given; if no list is given, every
 * kernel matches.
 */
export interface KernelScope {
  readonly buildIds: ReadonlySet<BuildId> | undefined;
  /** Patterns for `uname -r`, in the form of glob(7): `6.1.*-amd64`. */
  readonly releases: readonly string[] | undefined;
  /** Patterns for the distribution's name. */
  readonly distributions: readonly string[] | undefined;
}

export interface PublisherScope {
  readonly operations: ReadonlySet<Operation>;
  readonly kernels: KernelScope;
}

export const ALL_KERNELS: KernelScope = {
  buildIds: undefined,
  releases: undefined,
  distributions: undefined,
};
export const UNLIMITED_SCOPE: PublisherScope = { operations: new Set(OPERATIONS), kernels: ALL_KERNELS };

const MAX_PATTERNS = 256;

export function covers(scope: KernelScope, { buildId: id, release, distribution }: KernelFacts): boolean {
  const fits = (patterns: readonly string[] | undefined, text: string | undefined) =>
    patterns === undefined ||
    (text !== undefined && patterns.some((pattern) => matchesPattern(pattern, text)));
  return (
    (scope.buildIds === undefined || scope.buildIds.has(id)) &&
    fits(scope.releases, release) &&
    fits(scope.distributions, distribution)
  );
}

/**
 * Decodes `{"operations": ["updates"], "kernels": {…}}`. Members that are left out do not limit anything.
 * @throws ParseError
 */
export function decodeScope(scope: Decoder): PublisherScope {
  onlyMembers(scope, ["operations", "kernels"]);
  const operations = scope.get("operations").optional((list) => list.array(OPERATIONS.length).map(operation));
  const kernels = scope.get("kernels").optional(decodeKernelScope);
  return { operations: new Set(operations ?? OPERATIONS), kernels: kernels ?? ALL_KERNELS };
}

/** Decodes `{"build_ids": […], "releases": […], "distributions": […]}`. @throws ParseError */
export function decodeKernelScope(scope: Decoder): KernelScope {
  onlyMembers(scope, ["build_ids", "releases", "distributions"]);
  const patterns = (name: string) =>
    scope.get(name).optional((list) => list.array(MAX_PATTERNS).map((pattern) => pattern.string()));
  const ids = scope.get("build_ids").optional((list) => list.array(MAX_ENTRIES).map((id) => id.as(buildId)));
  return {
    buildIds: ids && new Set(ids),
    releases: patterns("releases"),
    distributions: patterns("distributions"),
  };
}

/** Refuses members with other names: a misspelt limit must not be ignored. @throws ParseError */
export function onlyMembers(decoder: Decoder, names: readonly string[]): void {
  for (const name of decoder.object().keys()) {
    if (!names.includes(name)) decoder.get(name).fail(`there is no such member: ${names.join(", ")}`);
  }
}

function operation(decoder: Decoder): Operation {
  const text = decoder.string();
  return OPERATIONS.find((known) => known === text) ?? decoder.fail(`not one of ${OPERATIONS.join(", ")}`);
}
