import { type Sha256Hex, sha256Hex } from "../shared/brand.ts";
import { Decoder } from "../shared/decode.ts";
import { encodeJson, jsonObject, parseJson } from "../shared/json.ts";
import { MAX_SMALL_VALUES } from "../shared/limits.ts";

export const PART = "part.json";
/** The file with the bytes of a part, after its part.json. */
export const PART_DATA = "data";

/** A part of a transfer that was split. */
export interface Part {
  /** The SHA-256 of transfer.json, which is the same in all parts of one transfer. */
  readonly transfer: Sha256Hex;
  /** The number of this part, from 1. */
  readonly part: number;
  readonly parts: number;
  readonly length: number;
  readonly sha256: Sha256Hex;
}

export const MAX_PARTS = 9999;
export const MAX_PART_JSON = 4096;

export const encodePart = ({ transfer, part, parts, length, sha256 }: Part): Uint8Array =>
  encodeJson(jsonObject({ format: 1, transfer, part, parts, length, sha256 }));

/** Decodes part.json. @throws ParseError */
export function decodePart(bytes: Uint8Array): Part {
  const part = new Decoder(parseJson(bytes, PART, MAX_SMALL_VALUES), PART);
  part.get("format").literal(1);
  const parts = part.get("parts").integer(1, MAX_PARTS);
  return {
    transfer: part.get("transfer").as(sha256Hex),
    part: part.get("part").integer(1, parts),
    parts,
    length: part.get("length").integer(1),
    sha256: part.get("sha256").as(sha256Hex),
  };
}
