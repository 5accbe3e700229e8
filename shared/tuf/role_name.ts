/** The four top-level roles of the TUF specification 1.0. */
export type TopRole = "root" | "timestamp" | "snapshot" | "targets";
export const TOP_ROLES: readonly TopRole[] = ["root", "timestamp", "snapshot", "targets"];

const isTopRole = (name: string): boolean => TOP_ROLES.some((role) => role === name);

/** File systems take 255 bytes a name; a version, `.json` and the mark of an unfinished write go with it. */
const MAX_QUOTED_NAME = 200;

/**
 * A name from metadata as one segment of a URL's path or one name of a folder, whatever is in it: a slash, `..`
 * and a question mark are letters like any other. RFC 3986 section 2.3: what is not unreserved is escaped.
 */
export function quoted(name: string): string {
  const percent = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(name).replace(/[!'()*]/g, percent);
}

/** The file of a role without its version. Never `.`, `..` or hidden behind another role's. */
export const roleFile = (role: string): string => `${quoted(role)}.json`;

/**
 * What is wrong with the name of a delegated role, if anything. One that is the name of a top-level role would
 * take its place in the store and in the snapshot.
 */
export function roleNameFault(name: string): string | undefined {
  if (name === "") return "an empty role name";
  if (isTopRole(name)) return "the name of a top-level role";
  return quoted(name).length > MAX_QUOTED_NAME ? "a role name that is too long for a file's name" : undefined;
}
