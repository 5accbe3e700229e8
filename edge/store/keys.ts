import { type BuildId, buildId, type Sha256Hex, sha256Hex } from "../../shared/brand.ts";

/** Where things lie in the store. Everything but feed.json is written once. */

/** The one value of a kernel that changes: its whole bundle. */
export const feedKey = (id: BuildId): string => `${FEEDS}${id}.json`;
/** Apart from all else, so that a list of the kernels is a list of these keys. */
export const FEEDS = "feeds/";
export const kernelOfFeedKey = (key: string): BuildId => buildId(key.slice(FEEDS.length, -".json".length));
/** Feeds that were in force once, by what a client in the middle of a refresh still asks for. */
export const keptKey = (id: BuildId, { targets, snapshot, manifest }: Kept): string =>
  `${keptPrefix(id)}${targets}.${snapshot}.${manifest}.json`;
export const keptPrefix = (id: BuildId): string => `kernels/${id}/`;
export function keptOfKey(key: string): Kept {
  const [targets = "", snapshot = "", manifest = ""] = key.slice(key.lastIndexOf("/") + 1).split(".");
  return { targets: Number(targets), snapshot: Number(snapshot), manifest: sha256Hex(manifest) };
}
export interface Kept {
  /** Versions. */
  readonly targets: number;
  readonly snapshot: number;
  readonly manifest: Sha256Hex;
}
/** From version 2 on: version 1 comes with the deployment. */
export const rootKey = (version: number): string => `root/${version}.root.json`;
export const artifactKey = (sha256: Sha256Hex): string => `artifacts/${sha256}`;
/** What the last round over all feeds did. */
export const ROUND_KEY = "state/round.json";
/** Segments of the audit log, numbered from 1. */
export const auditKey = (segment: number): string => `audit/${String(segment).padStart(12, "0")}`;
/** Artifacts that no publish has named yet: nobody can read them. */
export const stagingKey = (week: number, sha256: Sha256Hex): string =>
  `${STAGING}${String(week).padStart(WEEK_DIGITS, "0")}/${sha256}`;
export const STAGING = "staging/";
export const weekOfStagingKey = (key: string): number => Number.parseInt(key.slice(STAGING.length), 10);
/** Weeks sort as text for the next 15,000 years. */
const WEEK_DIGITS = 6;
