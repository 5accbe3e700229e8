import { textOffset } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type FunctionFingerprint, MAX_FUNCTION_SIZE } from "../../shared/runpre/fingerprint.ts";
import type { LinkedModule } from "../module/link/linked_module.ts";
import { type FunctionName, fingerprintCode } from "./kernel_function.ts";

/** What every function of a module must look like. */
export interface WholeModule {
  /** In the order of places; one for each place in lasting code that has a symbol. */
  readonly functions: readonly FunctionFingerprint[];
  /** Why there is no fingerprint of a function. */
  readonly refused: readonly RebootlessError[];
}

interface Span {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** Replacements of alternatives: they are copied from, never run. */
const NEVER_RUN = ".altinstr_replacement";

/**
 * What a function of a module must look like, once the module is bound to a host.
 * @throws RebootlessError as `fingerprintFunction`.
 */
export function fingerprintModuleFunction(
  module: LinkedModule,
  linkedText: bigint,
  { name, position }: FunctionName,
): FunctionFingerprint {
  const start = Number(module.symbols.at(name, position).address - linkedText);
  const span = spansOf(module, linkedText).find((one) => one.start === start);
  if (span === undefined) throw new RangeError(`${name} starts no span of its module`);
  return fingerprintSpan(module, { ...span, name });
}

/** Functions that cannot be fingerprinted are refused, one by one. */
export function fingerprintModule(module: LinkedModule, linkedText: bigint): WholeModule {
  const functions: FunctionFingerprint[] = [];
  const refused: RebootlessError[] = [];
  for (const span of spansOf(module, linkedText)) {
    try {
      functions.push(fingerprintSpan(module, span));
    } catch (error) {
      if (!(error instanceof RebootlessError)) throw error;
      refused.push(error);
    }
  }
  return { functions, refused };
}

function fingerprintSpan(module: LinkedModule, { name, start, end }: Span): FunctionFingerprint {
  if (end - start > MAX_FUNCTION_SIZE) {
    throw new RebootlessError("limit", `${name} has ${end - start} bytes, at most ${MAX_FUNCTION_SIZE}`);
  }
  return fingerprintCode(module, name, { start: textOffset(start), end: textOffset(end) });
}

/** From each symbol to the next at another place, or to the section's end; what lies before the first goes by the section. */
function spansOf({ symbols, sections }: LinkedModule, linkedText: bigint): readonly Span[] {
  const named = symbols.all
    .map(({ name, address }) => ({ name, start: Number(address - linkedText) }))
    .sort((a, b) => a.start - b.start);
  return sections
    .filter(({ name }) => name !== NEVER_RUN)
    .flatMap((section) => {
      const own = named.filter(({ start }) => start >= section.start && start < section.end);
      const starts = [{ name: section.name, start: section.start }, ...own.filter(startsAnew)];
      const spans = starts.map((one, i) => ({ ...one, end: starts[i + 1]?.start ?? section.end }));
      return spans.filter(({ start, end }) => end > start);
    });
}

const startsAnew = (
  { start }: { readonly start: number },
  i: number,
  all: readonly { readonly start: number }[],
): boolean => i === 0 || all[i - 1]?.start !== start;
