import type { BuildId } from "../../shared/brand.ts";
import type { Publication } from "../../shared/feed/publication.ts";
import type { KernelOutcome, PublishOutcome, RenewOutcome } from "./outcome.ts";

/** The way of everything that changes a feed. Changes of one kernel run one after the other, as do changes of the root. */
export interface PublisherQueue {
  publish(request: PublishRequest): Promise<readonly KernelOutcome[]>;
  /** @param by id of the publisher. @param roots one version, or several that follow each other. */
  publishRoot(by: string, roots: readonly Uint8Array[]): Promise<PublishOutcome>;
  renew(id: BuildId): Promise<RenewOutcome>;
}

/** What one publisher asks for at once. Each kernel's publication is decided by itself. */
export interface PublishRequest {
  /** The id of the publisher whose token came with the request. */
  readonly by: string;
  /** At most one for each kernel. */
  readonly publications: readonly Publication[];
  /** Checks everything and writes nothing. */
  readonly dryRun: boolean;
}
