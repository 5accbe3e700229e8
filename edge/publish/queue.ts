import type { BuildId } from "../../shared/brand.ts";
import type { Publication } from "../../shared/feed/publication.ts";
import type { KernelOutcome, PublishOutcome, RenewOutcome } from "./outcome.ts";

/**
 * The queue through which every change of a feed goes. Changes of one kernel run one after the other, as do
 * changes of the root.
 */
export interface PublisherQueue {
  publish(request: PublishRequest): Promise<readonly KernelOutcome[]>;
  /**
   * Publishes roots.
   * @param by the id of the publisher.
   * @param roots one version, or several that follow each other.
   */
  publishRoot(by: string, roots: readonly Uint8Array[]): Promise<PublishOutcome>;
  renew(id: BuildId): Promise<RenewOutcome>;
}

/**
 * A publisher's request to publish. The outcome of each kernel's publication does not depend on the others.
 */
export interface PublishRequest {
  /** The id of the publisher whose token came with the request. */
  readonly by: string;
  /** The publications, at most one for each kernel. */
  readonly publications: readonly Publication[];
  /** True if everything is checked and nothing is written. */
  readonly dryRun: boolean;
}
