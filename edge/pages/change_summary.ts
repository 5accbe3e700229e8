import type { CatalogueChange } from "../catalogue/change.ts";

/** The number of ids of one change that are named. */
const MAX_NAMED = 8;

/** Describes in a line what a publish changed. */
export function changeSummary({ added, recalled, version }: CatalogueChange): string {
  const parts = [named("new", added), named("recalled", recalled)].filter((part) => part !== "");
  if (parts.length > 0) return parts.join("; ");
  return version === 1 ? "a new kernel, with no updates yet" : `signed again, version ${version}`;
}

const named = (what: string, ids: readonly string[]): string => {
  if (ids.length === 0) return "";
  const more = ids.length > MAX_NAMED ? ` and ${ids.length - MAX_NAMED} more` : "";
  return `${what}: ${ids.slice(0, MAX_NAMED).join(", ")}${more}`;
};
