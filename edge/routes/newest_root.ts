import { MINUTE } from "../../shared/time.ts";
import type { AppDeps } from "../app.ts";
import { newestRootVersion } from "../publish/roots.ts";

/** As long as a feed.json may be kept anyway: a rotation is seen a minute later at the most. */
const KEPT = MINUTE;

export interface NewestRoot {
  /** The newest version in the store, as of a minute ago at the most. */
  version(): Promise<number>;
  /** A root was just published here. */
  forget(): void;
}

/** Saves each poll the question whether the root has changed. */
export function newestRoot({ store, clock }: Pick<AppDeps, "store" | "clock">): NewestRoot {
  let known = 1;
  let until = 0;
  return {
    version: async () => {
      if (clock() >= until) {
        known = await newestRootVersion(store, known);
        until = clock() + KEPT;
      }
      return known;
    },
    forget: () => {
      until = 0;
    },
  };
}
