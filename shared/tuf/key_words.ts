import { excerpt } from "../printable.ts";
import type { PublicKey } from "./keys.ts";

/** A SHA-256 digest that stands by itself: of a key, of a root of trust, of a file. */
const DIGEST = /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g;

/** Text with each digest in groups of four digits, so that two people, or one with two sheets, can compare it. */
export const inGroups = (text: string): string =>
  text.replace(DIGEST, (digest) => groupsOf(digest).join(" "));

/** The groups of a digest; of anything else itself alone. */
export const groupsOf = (digest: string): readonly string[] =>
  digest.length === 64 && digest.match(DIGEST) ? (digest.match(/.{4}/g) ?? []) : [digest];

/** What somebody gave for a key id, without the spaces of its groups. */
export const withoutGroups = (id: string): string =>
  /^[0-9a-f\s]+$/.test(id) ? id.replaceAll(/\s/g, "") : id;

/** A key's id and, where the root names one, its owner. */
export const named = (id: string, key: { readonly owner?: string | undefined } | undefined): string =>
  key?.owner === undefined ? excerpt(id) : `${excerpt(id)}  ${key.owner}`;

/** The owners of those keys that have one, by key id. */
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
