import type { HostVerifiers } from "../../node/verifier.ts";
import type { BuildId } from "../../shared/brand.ts";
import type { TrustDir } from "./trust_dir.ts";

/**
 * A kernel whose feed is verified, with the root of trust, the verifiers, and the place where the result is
 * stored.
 */
export interface Subject {
  readonly buildId: BuildId;
  readonly provisionedRoot: Uint8Array;
  readonly directory: TrustDir;
  readonly verifiers: HostVerifiers;
}
