import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import type { Publisher, Publishers } from "./publishers.ts";
import { ALL_KERNELS, covers, type Operation } from "./scope.ts";

/** What is asked for by whom, once all signatures were judged. */
export interface Claim {
  /** Whose token came with the request. */
  readonly by: string;
  /** Ids of the targets keys whose signatures are good, each key once. */
  readonly signers: readonly string[];
  /** Of targets, by the root in force. */
  readonly threshold: number;
  /** As the signed manifest has them. */
  readonly kernel: KernelFacts;
  /** As the manifest in force has them: nobody calls a kernel of others by a name of their own. */
  readonly before: () => KernelFacts | undefined;
}

/** Throws `not_permitted` unless the publisher may do this at all. */
export function requireOperation(by: string, operation: Operation, { byId }: Publishers): Publisher {
  const publisher = byId.get(by);
  if (publisher?.scope.operations.has(operation)) return publisher;
  throw refusal(`operations: publisher ${by} may not publish ${operation}`);
}

/**
 * The edge's own rules over a publication, each named in its refusal: `operations`, `kernels`, `signatures`, `quorums`. Throws
 * `not_permitted`. Hosts believe the root's threshold and know nothing of this.
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

/** Without any limit there is nothing to look up in the manifest in force, and nobody asks who else signed. */
export function isLimited({ byId, quorums }: Publishers): boolean {
  const limited = ({ scope }: Publisher) => scope.kernels !== ALL_KERNELS || !scope.operations.has("updates");
  return quorums.length > 0 || [...byId.values()].some(limited);
}

const refusal = (message: string): RebootlessError =>
  new RebootlessError("not_permitted", message, {
    hint: "The edge's PUBLISHERS says who may publish what.",
  });
