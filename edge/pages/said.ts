import type { Change } from "../catalogue/change.ts";

/** Ids named of one change. */
const MAX_NAMED = 8;

/** What a publish brought, in a line. */
export function said({ added, recalled, version }: Change): string {
  const parts = [named("new", added), named("recalled", recalled)].filter((part) => part !== "");
  if (parts.length > 0) return parts.join("; ");
  return version === 1 ? "a new kernel, without updates yet" : `signed again, version ${version}`;
}

const named = (what: string, ids: readonly string[]): string => {
  if (ids.length === 0) return "";
  const more = ids.length > MAX_NAMED ? ` and ${ids.length - MAX_NAMED} more` : "";
  return `${what}: ${ids.slice(0, MAX_NAMED).join(", ")}${more}`;
};
