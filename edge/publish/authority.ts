import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import { ALL_KERNELS, covers, type Operation } from "./publisher_scope.ts";
import type { Publisher, Publishers } from "./publishers.ts";

/** A request to publish: who makes it, and for which kernel. The signatures were verified before. */
export interface Claim {
  /** The id of the publisher whose token came with the request. */
  readonly by: string;
  /** The ids of the targets keys whose signatures are good, each key once. */
  readonly signers: readonly string[];
  /** The threshold of targets, by the root in force. */
  readonly threshold: number;
  /** The kernel as the signed manifest describes it. */
  readonly kernel: KernelFacts;
  /** The kernel as the manifest in force describes it: a publisher must not take over a kernel by renaming it. */
  readonly before: () => KernelFacts | undefined;
}

/**
 * Returns the publisher with this id.
 *
 * @throws RebootlessError `not_permitted` if its scope lacks the operation.
 */
export function requireOperation(by: string, operation: Operation, { byId }: Publishers): Publisher {
  const publisher = byId.get(by);
  if (publisher?.scope.operations.has(operation)) return publisher;
  throw refusal(`operations: publisher ${by} may not publish ${operation}`);
}

/**
 * Applies the edge's own rules to a publication. A refusal names its rule: `operations`, `kernels`, `signatures` or
 * `quorums`. Hosts check the root's threshold and know nothing of these rules.
 *
 * @throws RebootlessError `not_permitted`.
 */
export function requireAuthority(claim: Claim, publishers: Publishers): void {
  const publisher = requireOperation(claim.by, "updates", publishers);
  if (!isLimited(publishers)) return;
  const { kernel, signers, threshold } = claim;
  const facts = [kernel, claim.before() ?? kernel];
  const has = ({ scope }: Publisher) =>
    scope.operations.has("updates") && facts.every((one) => covers(scope.kernels, one));
  const name = `kernel ${kernel.buildId} (${kernel.release})`;
  if (!has(publisher)) throw refusal(`kernels: ${name} is not in the scope of publisher ${claim.by}`);

  const owners = signers.map((key) => publishers.byTargetsKey.get(key));
  const outside = owners.filter((owner) => owner !== undefined && !has(owner)).map((owner) => owner?.id);
  if (signers.length - outside.length < threshold) {
    throw refusal(
      `signatures: ${outside.join(", ")} signed for ${name}, which is not in their scope; without them there are ${signers.length - outside.length} of ${counted(threshold, "signature")}`,
    );
  }
  const inside = new Set(
    owners.filter((owner) => owner !== undefined && has(owner)).map((owner) => owner?.id),
  );
  for (const [i, quorum] of publishers.quorums.entries()) {
    if (!facts.some((one) => covers(quorum.kernels, one)) || inside.size >= quorum.publishers) continue;
    throw refusal(
      `quorums[${i}]: ${name} needs signatures of ${quorum.publishers} publishers, and has those of ${inside.size}${inside.size > 0 ? ` (${[...inside].join(", ")})` : ""}`,
    );
  }
}

/**
 * Tells whether a rule limits any publisher. If none does, neither the manifest in force nor all signatures
 * have to be looked at.
 */
export function isLimited({ byId, quorums }: Publishers): boolean {
  const limited = ({ scope }: Publisher) => scope.kernels !== ALL_KERNELS || !scope.operations.has("updates");
  return quorums.length > 0 || [...byId.values()].some(limited);
}

const refusal = (message: string): RebootlessError =>
  new RebootlessError("not_permitted", message, {
    hint: "The edge's PUBLISHERS says who may publish what.",
  });
