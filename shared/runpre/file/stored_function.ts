import { type Sha256Half, type TextOffset, textOffset } from "../../brand.ts";
import type { FunctionFingerprint } from "../fingerprint.ts";
import type { Site } from "../sites/site_kinds.ts";
import type { FunctionIndex } from "./function_index.ts";

/** The data that all functions of a file share. */
export interface FunctionSource {
  readonly index: FunctionIndex;
  name(i: number): string;
  locator(i: number): Uint8Array;
}

/**
 * A function of a fingerprint file. Its name and its locator, which only a mismatch needs, are read when they
 * are asked for.
 */
export class StoredFunction implements FunctionFingerprint {
  readonly offset: TextOffset;
  readonly size: number;
  readonly sha256: Sha256Half;
  readonly sites: readonly Site[];
  readonly #source: FunctionSource;
  readonly #i: number;

  constructor(source: FunctionSource, i: number, sha256: Sha256Half, sites: readonly Site[]) {
    this.offset = textOffset(source.index.offsets[i] ?? 0);
    this.size = source.index.sizes[i] ?? 0;
    this.sha256 = sha256;
    this.sites = sites;
    this.#source = source;
    this.#i = i;
  }

  /** @throws ParseError */
  get name(): string {
    return this.#source.name(this.#i);
  }

  get locator(): Uint8Array {
    return this.#source.locator(this.#i);
  }
}
