import type { Change } from "../catalogue/change.ts";

/** Ids named of one change. */
const MAX_NAMED = 8;

/** What a publish brought, in a line. */
export function said({ added, recalled, version }: Change): string {
  const parts = [named("new", added), named("recalled", recalled)].filter((part) => part !== "");
  return parts.length === 0 ? `signed again, version ${version}` : parts.join("; ");
}

const named = (what: string, ids: readonly string[]): string => {
  if (ids.length === 0) return "";
  const more = ids.length > MAX_NAMED ? ` and ${ids.length - MAX_NAMED} more` : "";
  return `${what}: ${ids.slice(0, MAX_NAMED).join(", ")}${more}`;
};
