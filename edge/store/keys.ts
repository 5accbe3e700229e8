import { type BuildId, buildId, type Sha256Hex, sha256Hex } from "../../shared/brand.ts";

/*
 * These are the keys of the store. Every value is written once, except feeds in force and the values below
 * state/.
 */

/** The key of a kernel's bundle in force, the one value of a kernel that changes. */
export const feedKey = (id: BuildId): string => `${FEEDS}${id}.json`;
/** The prefix of the keys of feeds in force, and of no others: a list of them is a list of the kernels. */
export const FEEDS = "feeds/";
export const kernelOfFeedKey = (key: string): BuildId => buildId(key.slice(FEEDS.length, -".json".length));
/**
 * The key of a feed that was in force before. It names the files that a client in the middle of a refresh may
 * still ask for.
 */
export const previousFeedKey = (id: BuildId, { targets, snapshot, manifest }: PreviousFeed): string =>
  `${previousFeedsPrefix(id)}${targets}.${snapshot}.${manifest}.json`;
export const previousFeedsPrefix = (id: BuildId): string => `kernels/${id}/`;
export function previousFeedOfKey(key: string): PreviousFeed {
  const [targets = "", snapshot = "", manifest = ""] = key.slice(key.lastIndexOf("/") + 1).split(".");
  return { targets: Number(targets), snapshot: Number(snapshot), manifest: sha256Hex(manifest) };
}
export interface PreviousFeed {
  /** The versions of its metadata. */
  readonly targets: number;
  readonly snapshot: number;
  readonly manifest: Sha256Hex;
}
/** The key of a root, from version 2 on: version 1 comes with the deployment. */
export const rootKey = (version: number): string => `root/${version}.root.json`;
export const artifactKey = (sha256: Sha256Hex): string => `artifacts/${sha256}`;
/** The key of the results of the last maintenance run. */
export const MAINTENANCE_KEY = "state/round.json";
/** The key of a segment of the audit log, numbered from 1. */
export const auditKey = (segment: number): string => `audit/${String(segment).padStart(12, "0")}`;
/** The key of an artifact that no publish has named yet, and that cannot be read from outside. */
export const stagingKey = (week: number, sha256: Sha256Hex): string =>
  `${STAGING}${String(week).padStart(WEEK_DIGITS, "0")}/${sha256}`;
export const STAGING = "staging/";
export const weekOfStagingKey = (key: string): number => Number.parseInt(key.slice(STAGING.length), 10);
/** The number of digits of a week. So many digits sort as text for the next 15,000 years. */
const WEEK_DIGITS = 6;
