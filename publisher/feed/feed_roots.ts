import { equalBytes } from "../../shared/bytes.ts";
import type { Bundle } from "../../shared/feed/bundle.ts";
import { bundleSource } from "../../shared/feed/bundle_source.ts";
import { MAX_ROOT_ROTATIONS } from "../../shared/limits.ts";
import type { Root } from "../../shared/tuf/schema.ts";
import { readRoot, trustedFrom } from "../keys/root.ts";
import type { EdgeClient } from "./edge_client.ts";
import { fetchRoot } from "./root_chain.ts";

type Roots = Bundle["roots"];

/**
 * The root of trust of a feed. All kernels of a feed come with the same chain of roots, which is followed
 * only once.
 */
export class FeedRoots {
  readonly #edge: Pick<EdgeClient, "get">;
  readonly #held: Uint8Array;
  #own: Promise<Root> | undefined;
  #last: { readonly roots: Roots; readonly newest: Promise<Root> } | undefined;

  /** @param held the publisher's own newest root. */
  constructor(edge: Pick<EdgeClient, "get">, held: Uint8Array) {
    this.#edge = edge;
    this.#held = held;
  }

  /** Returns the publisher's own newest root. @throws RebootlessError `trust`, `parse`. */
  own(): Promise<Root> {
    this.#own ??= readRoot(this.#held);
    return this.#own;
  }

  /**
   * Returns the newest root that a feed.json leads to. The first newer root is verified by the publisher's
   * own, and each further one by the one before.
   *
   * @throws RebootlessError `trust`, `parse`.
   */
  newest(bundle: Bundle): Promise<Root> {
    const { roots } = bundle;
    if (!this.#last || !sameFiles(this.#last.roots, roots))
      this.#last = { roots, newest: this.#follow(bundle) };
    return this.#last.newest;
  }

  async #follow(bundle: Bundle): Promise<Root> {
    const source = bundleSource(bundle, (version) => fetchRoot(this.#edge, version));
    const set = await trustedFrom(this.#held);
    for (let count = 0; count < MAX_ROOT_ROTATIONS; count++) {
      const next = await source.root(set.root.version + 1);
      if (next === undefined) break;
      await set.updateRoot(next);
    }
    return set.root;
  }
}

const sameFiles = (a: Roots, b: Roots): boolean =>
  a.length === b.length && a.every((file, i) => equalBytes(file, b[i] ?? new Uint8Array()));
