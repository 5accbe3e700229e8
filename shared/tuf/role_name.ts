/** The four top-level roles of the TUF specification 1.0. */
export type TopRole = "root" | "timestamp" | "snapshot" | "targets";
export const TOP_ROLES: readonly TopRole[] = ["root", "timestamp", "snapshot", "targets"];

const isTopRole = (name: string): boolean => TOP_ROLES.some((role) => role === name);

/** File systems take names of 255 bytes; a version, `.json` and the suffix of an unfinished write must fit, too. */
const MAX_QUOTED_NAME = 200;

/**
 * Returns a name from metadata as one segment of a URL's path or one name in a folder, whatever is in it: a slash,
 * `..` and a question mark are letters like any other. What is not unreserved (RFC 3986 section 2.3) is escaped.
 */
export function quoted(name: string): string {
  const percent = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(name).replace(/[!'()*]/g, percent);
}

/** Returns the file name of a role, without its version. It is never `.` or `..`, and no two roles have the same. */
export const roleFile = (role: string): string => `${quoted(role)}.json`;

/**
 * Returns what is wrong with the name of a delegated role, or undefined. With the name of a top-level role it would take
 * that role's place in the store and in the snapshot.
 */
export function roleNameFault(name: string): string | undefined {
  if (name === "") return "an empty role name";
  if (isTopRole(name)) return "the name of a top-level role";
  return quoted(name).length > MAX_QUOTED_NAME ? "a role name that is too long for a file's name" : undefined;
}
