import type { Sha256Hex } from "../../shared/brand.ts";
import { MINUTE } from "../../shared/time.ts";
import type { Root } from "../../shared/tuf/schema.ts";
import type { AppDeps } from "../deps.ts";
import { newestRootVersion, verifiedRootChain } from "../publish/roots.ts";

/**
 * The time for which the newest root is remembered. Caches may keep a feed.json for as long in any case, so a
 * rotation is noticed a minute later at most.
 */
const REMEMBERED_FOR = MINUTE;

export interface NewestRoot {
  /** Returns the newest version in the store, as of a minute ago at most. */
  version(): Promise<number>;
  /**
   * Returns that root, with the whole chain before it verified.
   *
   * @throws RebootlessError `config` if a root does not follow from the one before it.
   */
  verified(): Promise<RootInForce>;
  /** Makes the next call look into the store, as after a publish of a root. */
  forget(): void;
}

export interface RootInForce {
  readonly root: Root;
  /** The digest of its file. */
  readonly sha256: Sha256Hex;
}

type RootDeps = Pick<AppDeps, "store" | "clock" | "trustedRoot" | "verify" | "digests">;

/** Remembers the newest root, so that not every poll asks for it, and not every page verifies the same chain. */
export function cachedNewestRoot(deps: RootDeps): NewestRoot {
  const { store, clock } = deps;
  let known = 1;
  let until = 0;
  /** A root of one version is written once, so one that verified need not be verified again. */
  let last: RootInForce | undefined;
  const version = async () => {
    if (clock() >= until) {
      known = await newestRootVersion(store, known);
      until = clock() + REMEMBERED_FOR;
    }
    return known;
  };
  return {
    version,
    verified: async () => {
      if (last?.root.version === (await version())) return last;
      const { set, files } = await verifiedRootChain(deps, clock());
      last = { root: set.root, sha256: await deps.digests.sha256(files.at(-1) ?? deps.trustedRoot) };
      return last;
    },
    forget: () => {
      until = 0;
    },
  };
}
