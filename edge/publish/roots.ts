import { RebootlessError } from "../../shared/errors.ts";
import type { Instant } from "../../shared/time.ts";
import { enforcedAt } from "../../shared/tuf/expiry.ts";
import { TrustedSet } from "../../shared/tuf/trusted_set.ts";
import type { Verifier } from "../../shared/tuf/verifier.ts";
import { rootKey } from "../store/keys.ts";
import type { Store } from "../store/store.ts";

/** The chain of roots: version 1 comes with the deployment, later ones were published and are in the store. */
export interface RootChain {
  /** The trusted set at the newest root, with no other metadata loaded. */
  readonly set: TrustedSet;
  /** The roots from version 2 on, oldest first. */
  readonly files: readonly Uint8Array[];
}

export interface RootDeps extends Verifier {
  readonly store: Store;
  /** The bytes of 1.root.json. */
  readonly trustedRoot: Uint8Array;
}

/**
 * Reads the whole chain and verifies it.
 *
 * @throws RebootlessError `config` if the stored roots do not follow from the trusted one.
 */
export async function verifiedRootChain(deps: RootDeps, now: Instant): Promise<RootChain> {
  const set = await TrustedSet.fromRoot(deps.trustedRoot, deps, enforcedAt(now));
  const files: Uint8Array[] = [];
  for (;;) {
    const version = set.root.version + 1;
    const file = await deps.store.get(rootKey(version));
    if (!file) return { set, files };
    const bytes = await file.bytes();
    await follow(set, bytes, version);
    files.push(bytes);
  }
}

async function follow(set: TrustedSet, bytes: Uint8Array, version: number): Promise<void> {
  try {
    await set.updateRoot(bytes);
  } catch (cause) {
    throw new RebootlessError("config", `stored root ${version} does not follow from TRUSTED_ROOT`, {
      cause,
    });
  }
}

/**
 * Returns the newest version in the store.
 * @param from a version that is known to exist, as roots are never deleted.
 */
export async function newestRootVersion(store: Store, from: number): Promise<number> {
  let version = from;
  while (await store.head(rootKey(version + 1))) version++;
  return version;
}
