import type { Sha256Hex } from "../../shared/brand.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { MINUTE } from "../../shared/time.ts";
import type { Root } from "../../shared/tuf/schema.ts";
import type { AppDeps } from "../deps.ts";
import { newestRootVersion, rootChain } from "../publish/roots.ts";

/** As long as a feed.json may be kept anyway: a rotation is seen a minute later at the most. */
const KEPT = MINUTE;

export interface NewestRoot {
  /** The newest version in the store, as of a minute ago at the most. */
  version(): Promise<number>;
  /** That root, with the whole chain before it verified. Throws `config` where it does not follow. */
  verified(): Promise<RootInForce>;
  /** A root was just published here. */
  forget(): void;
}

export interface RootInForce {
  readonly root: Root;
  /** Of its file. */
  readonly sha256: Sha256Hex;
}

type RootDeps = Pick<AppDeps, "store" | "clock" | "trustedRoot" | "verify">;

/** Saves each poll the question whether the root has changed, and each page the verification of the same chain. */
export function newestRoot(deps: RootDeps): NewestRoot {
  const { store, clock } = deps;
  let known = 1;
  let until = 0;
  /** A root of one version is written once: what verified stays so. */
  let last: RootInForce | undefined;
  const version = async () => {
    if (clock() >= until) {
      known = await newestRootVersion(store, known);
      until = clock() + KEPT;
    }
    return known;
  };
  return {
    version,
    verified: async () => {
      if (last?.root.version === (await version())) return last;
      const { set, files } = await rootChain(deps, clock());
      last = { root: set.root, sha256: await sha256Of(files.at(-1) ?? deps.trustedRoot) };
      return last;
    },
    forget: () => {
      until = 0;
    },
  };
}
