/**
 * The member that names a key's owner, for people who compare keys. It stands in the root beside the key and is signed with
 * it; nothing is decided by it. The specification has readers ignore members that they do not know.
 */
export const OWNER_MEMBER = "x-rebootless-owner";

/**
 * Letters of any script, digits, and the punctuation of names and addresses. No apostrophe, because edge.vars quotes
 * with it.
 */
const OWNER = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} ,.+_@&()/-]{0,63}$/u;
const HEX = /^[0-9a-f ]+$/i;

/**
 * Tells whether a name may stand beside a key: it fits on one line of a terminal or a page, and does not look like a key
 * id.
 */
export const isOwner = (name: string): boolean =>
  OWNER.test(name) && !HEX.test(name) && name === name.trim() && !name.includes("  ");
