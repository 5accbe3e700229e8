import type { UpdateId } from "../../shared/brand.ts";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import type { Instant } from "../../shared/time.ts";
import type { KernelEntry, UpdateEntry } from "./entry.ts";

/** One publish, as a change of a kernel's updates. */
export interface CatalogueChange {
  /** The number of this change, which rises by one. */
  readonly number: number;
  readonly at: Instant;
  readonly kernel: KernelFacts;
  readonly version: number;
  readonly added: readonly UpdateId[];
  readonly recalled: readonly UpdateId[];
}

export function changeBetween(
  number: number,
  { kernel, version, recorded, updates }: KernelEntry,
  before: { readonly updates: readonly Pick<UpdateEntry, "id" | "recalled">[] } | undefined,
): CatalogueChange {
  const old = new Map(before?.updates.map((update) => [update.id, update]));
  const isRecalled = (update: Pick<UpdateEntry, "recalled"> | undefined) =>
    (update?.recalled ?? null) !== null;
  return {
    number,
    at: recorded,
    kernel,
    version,
    added: updates.filter(({ id }) => !old.has(id)).map(({ id }) => id),
    recalled: updates
      .filter((update) => isRecalled(update) && !isRecalled(old.get(update.id)))
      .map(({ id }) => id),
  };
}
