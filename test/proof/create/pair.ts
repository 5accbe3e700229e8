import { readFile } from "node:fs/promises";
import type { Kernel } from "../../support/guest/machine.ts";

/** Two versions of the distribution's source, and the kernel of the older one: what tools/setup/create.mjs writes. */
export interface SourcePair {
  readonly from: string;
  readonly to: string;
  /** False where the archive did not have the pair that was asked for. */
  readonly asked: boolean;
  readonly kernel: Kernel & { readonly headers: string };
  /** The file of the kernel's package. */
  readonly image: string;
  /** Files of the source packages. */
  readonly sources: { readonly from: string; readonly to: string };
  /** For what `create` keeps. */
  readonly cache: string;
}

export const readPair = async (file: string): Promise<SourcePair> =>
  JSON.parse(await readFile(file, "utf8")) as SourcePair;
