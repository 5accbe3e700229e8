import { readFile } from "node:fs/promises";
import type { Kernel } from "../../support/guest/machine.ts";

/**
 * Two versions of the distribution's source, and the kernel of the older one: what tools/setup/create.mjs writes. There may
 * be one version alone.
 */
export interface SourcePair {
  readonly from: string;
  readonly to: string | null;
  /** False where the archive did not have the pair that was asked for. */
  readonly asked: boolean;
  readonly kernel: Kernel & { readonly headers: string };
  /** The file of the kernel's package, or the folder with what is in it. */
  readonly image: string;
  /** Files of the source packages. */
  readonly sources: { readonly from: string; readonly to: string | null };
  /** For what `create` keeps. */
  readonly cache: string;
}

/** Returns the pair, which must be one. */
export function twoVersions(pair: SourcePair): TwoVersions {
  const { to, sources } = pair;
  if (to === null || sources.to === null)
    throw new Error(`of the series of ${pair.from} there is one version alone`);
  return { ...pair, to, sources: { from: sources.from, to: sources.to } };
}

/** A pair of which there are both. */
export type TwoVersions = SourcePair & { readonly to: string; readonly sources: { readonly to: string } };

export const readPair = async (file: string): Promise<SourcePair> =>
  JSON.parse(await readFile(file, "utf8")) as SourcePair;
