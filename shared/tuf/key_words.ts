import { excerpt } from "../printable.ts";
import type { PublicKey } from "./keys.ts";

/** A SHA-256 digest within text: of a key, a root of trust or a file. */
const DIGEST = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g;

/** Returns text with each digest in groups of four digits, so that people can compare it. */
export const inGroups = (text: string): string =>
  text.replace(DIGEST, (digest) => groupsOf(digest).join(" "));

/** Returns the groups of a digest; of any other text, the text alone. */
export const groupsOf = (digest: string): readonly string[] =>
  digest.length === 64 && digest.match(DIGEST) ? (digest.match(/.{4}/g) ?? []) : [digest];

/** Returns a key id as a person typed it, without the spaces of its groups. */
export const withoutGroups = (id: string): string =>
  /^[0-9a-f\s]+$/.test(id) ? id.replaceAll(/\s/g, "") : id;

/** Returns a key's id and, where the root names one, its owner. */
export const named = (id: string, key: { readonly owner?: string | undefined } | undefined): string =>
  key?.owner === undefined ? excerpt(id) : `${excerpt(id)}  ${key.owner}`;

/** Returns the owners of those keys that have one, by key id. */
export const ownersOf = (
  ids: readonly string[],
  keys: ReadonlyMap<string, Pick<PublicKey, "owner">>,
): ReadonlyMap<string, string> =>
  new Map(
    ids.flatMap((id) => {
      const owner = keys.get(id)?.owner;
      return owner === undefined ? [] : [[id, owner] as const];
    }),
  );
