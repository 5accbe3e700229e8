import { DAY } from "../../shared/time.ts";

/**
 * The lifetimes of the files that the edge signs, in milliseconds. Each file is signed again once half of its
 * lifetime is over, when the feed is read. So a host notices within a week that newer versions are withheld
 * from it.
 */
export const TIMESTAMP_LIFETIME = 7 * DAY;
export const SNAPSHOT_LIFETIME = 30 * DAY;
