import type { UpdateId } from "../brand.ts";
import type { Update } from "./update.ts";

/**
 * The relation between the updates of a manifest that make others needless, directly or through the updates
 * that they supersede.
 */
export class Superseding {
  readonly #down: ReadonlyMap<UpdateId, readonly UpdateId[]>;
  readonly #up = new Map<UpdateId, UpdateId[]>();

  constructor(all: Iterable<Pick<Update, "id" | "supersedes">>) {
    const down = new Map<UpdateId, readonly UpdateId[]>();
    for (const { id, supersedes } of all) {
      down.set(id, supersedes);
      for (const other of supersedes) {
        const known = this.#up.get(other);
        if (known) known.push(id);
        else this.#up.set(other, [id]);
      }
    }
    this.#down = down;
  }

  /**
   * Returns the updates that `id` makes needless. `id` is not among them, even if two updates supersede each
   * other.
   */
  neededNoMore(id: UpdateId): ReadonlySet<UpdateId> {
    const reached = reach(id, this.#down);
    reached.delete(id);
    return reached;
  }

  /** Returns the updates that meet a dependency on `id`: the update itself and all that supersede it. */
  meeting(id: UpdateId): ReadonlySet<UpdateId> {
    return reach(id, this.#up);
  }

  met(id: UpdateId, standing: ReadonlySet<UpdateId>): boolean {
    return standing.has(id) || [...this.meeting(id)].some((other) => standing.has(other));
  }
}

function reach(from: UpdateId, edges: ReadonlyMap<UpdateId, readonly UpdateId[]>): Set<UpdateId> {
  const reached = new Set([from]);
  for (const id of reached) for (const next of edges.get(id) ?? []) reached.add(next);
  return reached;
}
