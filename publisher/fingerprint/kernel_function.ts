import { createHash } from "node:crypto";
import { sha256Hex } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { FunctionFingerprint } from "../../shared/runpre/fingerprint.ts";
import { locatorOf } from "../../shared/runpre/locator.ts";
import { clearSites, type Site } from "../../shared/runpre/sites/site_kinds.ts";
import type { KernelSymbol } from "../image/kallsyms.ts";
import type { KernelImage } from "../image/kernel_image.ts";
import type { PatchedCode } from "../image/patch_sites.ts";
import { sitesWithin } from "../image/sites/patch_site.ts";
import { type FunctionBounds, functionBounds } from "./bounds.ts";
import { functionSites } from "./function_sites.ts";

/**
 * The name of a function as livepatch gives it. The position is 0 if no other function has the name; otherwise functions
 * of the same name count from 1.
 */
export interface FunctionName {
  readonly name: string;
  readonly position: number;
}

/**
 * Makes the fingerprint of a function: how it must look in the memory of a running kernel.
 * @throws RebootlessError `unsupported` if it has sites that hosts cannot verify, or is not code that stays in memory;
 * `usage` if the name is ambiguous; `limit`.
 */
export function fingerprintFunction(
  image: KernelImage,
  { name, position }: FunctionName,
): FunctionFingerprint {
  return fingerprintSymbol(image, image.symbols.at(name, position));
}

/** Makes the fingerprint of the function at a symbol. @throws RebootlessError as `fingerprintFunction`. */
export function fingerprintSymbol(image: KernelImage, symbol: KernelSymbol): FunctionFingerprint {
  if (!/^[tTwW]$/.test(symbol.type)) {
    throw new RebootlessError("unsupported", `${symbol.name} is not a function (type ${symbol.type})`, {
      details: { name: symbol.name },
    });
  }
  return fingerprintCode(image, symbol.name, functionBounds(image, symbol));
}

/**
 * Makes the fingerprint of the code between two places, in the kernel or in a module.
 * @throws RebootlessError as `fingerprintFunction`.
 */
export function fingerprintCode(
  code: PatchedCode,
  name: string,
  bounds: FunctionBounds,
): FunctionFingerprint {
  const sites = functionSites(code, name, bounds);
  const body = digestedCode(code, bounds, sites);
  return {
    name,
    offset: bounds.start,
    size: body.length,
    sha256: sha256Hex(createHash("sha256").update(body).digest("hex")),
    locator: locatorOf(body),
    sites,
  };
}

/** Returns the code between two places in the form of which digests are made: sealed, and zeros at compared sites. */
export function digestedCode(
  code: PatchedCode,
  { start, end }: FunctionBounds,
  sites: readonly Site[],
): Uint8Array {
  const body = new Uint8Array(code.read(start, end - start)); // copies the bytes, which slice() of a Buffer would not
  for (const site of sitesWithin(code.sites, start, end)) {
    if (site.kind === "fixed") body.set(site.code, site.at - start);
  }
  clearSites(body, sites);
  return body;
}
