import { textOffset } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type FunctionFingerprint, MAX_FUNCTION_SIZE } from "../../shared/runpre/fingerprint.ts";
import type { LinkedModule } from "../module/link/linked_module.ts";
import { type FunctionName, fingerprintCode } from "./kernel_function.ts";

/** The fingerprints of every function of a module. */
export interface WholeModule {
  /** The fingerprints by ascending offset, one for each place with a symbol in code that stays in memory after init. */
  readonly functions: readonly FunctionFingerprint[];
  /** The reasons why functions have no fingerprint. */
  readonly refused: readonly RebootlessError[];
}

interface Span {
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** The section of the replacements of alternatives. The kernel copies code from it but never runs it there. */
const NEVER_RUN = ".altinstr_replacement";

/**
 * Makes the fingerprint of a function of a module: how it must look once the module is loaded on a host.
 * @throws RebootlessError as `fingerprintFunction`.
 */
export function fingerprintModuleFunction(
  module: LinkedModule,
  linkedText: bigint,
  { name, position }: FunctionName,
): FunctionFingerprint {
  const start = Number(module.symbols.at(name, position).address - linkedText);
  const span = spansOf(module, linkedText).find((one) => one.start === start);
  if (span === undefined) throw new RangeError(`${name} does not start a span of its module`);
  return fingerprintSpan(module, { ...span, name });
}

/** Makes the fingerprints of all functions of a module. Those that cannot have one are listed in `refused`. */
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

/**
 * Divides the code into spans, each from a symbol to the next symbol at another place or to the section's end. Code
 * before the first symbol of a section is a span named after the section.
 */
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
