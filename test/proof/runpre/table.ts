import type { ActivityResult } from "./activity_proof.ts";
import type { ModulesResult } from "./module_proof.ts";
import type { CodeResult } from "./text_proof.ts";
import type { SiteBits } from "./unverifiable.ts";
import { causeOf, type Mismatch } from "./whole_kernel.ts";

/** Lines of details below a row. */
const MOST = 20;

const row = (name: string, what: string, details: readonly string[]): string =>
  [`  ${name.padEnd(88)} ${what}`, ...details.slice(0, MOST).map((line) => `    ${line}`)].join("\n");

export const bootRow = (name: string, result: CodeResult): string => codeRow(name, "", result);

export const modulesRow = (name: string, result: ModulesResult): string =>
  codeRow(`modules: ${name}`, `${result.modules} modules: `, result);

function codeRow(name: string, of: string, { functions, found, flips, missed }: CodeResult): string {
  const what = `${of}${functions - found.length} matched, ${found.length} not; ${flips} flips, ${missed.length} missed`;
  return row(name, what, [
    ...found.map(describe),
    ...missed.map(
      ({ name: fn, offset, bit, site }) =>
        `bit ${bit} of ${fn}+0x${offset.toString(16)} (${site}) was not found`,
    ),
  ]);
}

function describe(mismatch: Mismatch): string {
  const [first] = mismatch.differences;
  const what =
    first && `+0x${first.offset.toString(16)}: expected ${first.expected ?? "?"}, found ${first.found}`;
  return `${mismatch.fn.name} (${causeOf(mismatch)}) ${what?.slice(0, 120) ?? ""}`;
}

export const siteBitsRow = ({ tried, unverifiable }: SiteBits): string =>
  row("every bit of every site", `${tried} flips, ${unverifiable.length} bytes unverifiable`, unverifiable);

export function activityRow({ name, listed, reported, unexpected, unreported }: ActivityResult): string {
  const what = `${listed} listed, ${reported} reported; ${unexpected.length} unexpected, ${unreported.length} unreported`;
  return row(name, what, [
    ...unexpected.map((fn) => `${fn} is not listed as what was found`),
    ...unreported.map((fn) => `${fn} was not found to be what is listed`),
  ]);
}
