import { type TextOffset, textOffset } from "../../brand.ts";
import { ByteReader } from "../../byte_reader.ts";
import { ParseError, RebootlessError } from "../../errors.ts";
import type { Site } from "../sites/site_kinds.ts";
import { pushVarint, readVarint } from "./varint.ts";

/** The most variables in a file. A kernel has some ten thousand keys of jump labels and static calls. */
export const MAX_VARIABLES = 1_000_000;

/** Writes the variables that decide about sites: rising offsets, each as its distance from the one before. */
export function encodeVariables(offsets: readonly TextOffset[]): Uint8Array {
  const out: number[] = [];
  let last = 0;
  for (const offset of offsets) {
    pushVarint(out, offset - last);
    last = offset;
  }
  return Uint8Array.from(out);
}

/**
 * Returns a function that gives those variables by number.
 * @throws ParseError, also for a number that is not in use.
 * @throws RebootlessError `limit`
 */
export function decodeVariables(bytes: Uint8Array): (number: number) => TextOffset {
  const reader = new ByteReader(bytes, "variables of a fingerprint file");
  const offsets: TextOffset[] = [];
  let last = 0;
  while (reader.remaining > 0) {
    if (offsets.length === MAX_VARIABLES) {
      throw new RebootlessError("limit", `a fingerprint file of more than ${MAX_VARIABLES} variables`);
    }
    last += readVarint(reader);
    offsets.push(textOffset(last));
  }
  return (number) => {
    const offset = offsets[number];
    if (offset === undefined) throw new ParseError(`variable ${number} of ${offsets.length}`);
    return offset;
  };
}

/** Yields every variable that decides about a site, or about a site inside it. */
export function* variablesOf(site: Site): Generator<TextOffset> {
  if (site.kind === "jump_label" || site.kind === "static_call") yield site.key;
  if (site.kind === "paravirt") yield site.pointer;
  if (site.kind === "runtime_constant" || site.kind === "runtime_mask") yield site.variable;
  if (site.kind !== "alternative") return;
  for (const form of site.forms) for (const inner of form.sites) yield* variablesOf(inner);
}
