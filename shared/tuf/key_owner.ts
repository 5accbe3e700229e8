/**
 * Whose a key is, for people who compare keys. It stands in the root beside the key, signed with it; nothing is decided by it. The
 * specification has readers pass over members that they do not know.
 */
export const OWNER_MEMBER = "x-rebootless-owner";

/** Letters of any script and digits, and between them what names and addresses have. No apostrophe: edge.vars quotes with it. */
const OWNER = /^[\p{L}\p{N}][\p{L}\p{M}\p{N} ,.+_@&()/-]{0,63}$/u;
const HEX = /^[0-9a-f ]+$/i;

/** Whether a name may stand beside a key: fit for a terminal and a page, on one line, and not to be taken for a key id. */
export const isOwner = (name: string): boolean =>
  OWNER.test(name) && !HEX.test(name) && name === name.trim() && !name.includes("  ");
