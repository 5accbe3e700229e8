import { type TextOffset, textOffset } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { partitionPoint } from "../../shared/partition_point.ts";
import { MAX_FUNCTION_SIZE } from "../../shared/runpre/fingerprint.ts";
import type { KernelSymbol } from "../image/kallsyms.ts";
import type { KernelImage } from "../image/kernel_image.ts";

/** The start and the end of a function, in bytes from `_text`. */
export interface FunctionBounds {
  readonly start: TextOffset;
  readonly end: TextOffset;
}

/**
 * Returns the bounds of a function: from its symbol to the next symbol of any type at another address. Labels and aliases
 * are symbols too, and padding belongs to the function before it.
 * @throws RebootlessError `unsupported` outside of the kernel's text, `limit` past MAX_FUNCTION_SIZE.
 */
export function functionBounds(image: KernelImage, symbol: KernelSymbol): FunctionBounds {
  const { all } = image.symbols;
  const start = Number(symbol.address - image.linkedText);
  if (!(start >= 0 && start < image.textEnd)) {
    throw new RebootlessError("unsupported", `${symbol.name} is not in the kernel's text`, {
      hint: "Initialisation code is freed after boot, and data is not code: neither can be replaced.",
      details: { name: symbol.name },
    });
  }
  const next = all[firstAfter(all, symbol.address)];
  const end = next === undefined ? image.textEnd : Number(next.address - image.linkedText);
  if (end - start > MAX_FUNCTION_SIZE) {
    throw new RebootlessError(
      "limit",
      `${symbol.name} has ${end - start} bytes, at most ${MAX_FUNCTION_SIZE}`,
      {
        hint: "It ends where a gap between sections begins, for which there is no symbol.",
        details: { name: symbol.name, size: end - start },
      },
    );
  }
  return { start: textOffset(start), end: textOffset(end) };
}

/** Returns the index of the first symbol past `address` in a list sorted by address. */
const firstAfter = (all: readonly KernelSymbol[], address: bigint): number =>
  partitionPoint(all.length, (i) => (all[i]?.address ?? 0n) <= address);
