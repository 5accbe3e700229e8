import { DAY } from "../../shared/time.ts";

/**
 * How long what the edge signs is believed, in milliseconds. Each is signed again once half of it is over, when
 * somebody reads the feed; so a host learns within a week that somebody holds the feed back.
 */
export const TIMESTAMP_LIFE = 7 * DAY;
export const SNAPSHOT_LIFE = 30 * DAY;
