import { DAY, HOUR, SECOND } from "../../shared/time.ts";
import { MAX_ACCEPT_STALE } from "../transport/freshness.ts";
import {
  date,
  duration,
  feeds,
  hostNames,
  type Kind,
  lineOfText,
  oneOf,
  path,
  proxy,
  type Raw,
  rolloutShare,
  updateIds,
  yesOrNo,
} from "./kinds.ts";

/** A setting that an administrator can change. */
export interface Setting<T> {
  readonly kind: Kind<T>;
  /** The default. It is undefined if nothing is set by default. */
  readonly standard: Raw | undefined;
  /** A description for people, in one line. */
  readonly description: string;
  /** The environment variables that are used if no file has the setting. */
  readonly environment: readonly string[];
}

const setting = <T>(kind: Kind<T>, standard: Raw, description: string): Setting<T> => ({
  kind,
  standard,
  description,
  environment: [],
});

const unset = <T>(
  kind: Kind<T>,
  description: string,
  environment: readonly string[] = [],
): Setting<T | undefined> => ({ kind, standard: undefined, description, environment });

/** The variables are those of curl, in its order: libcurl-env(3). */
const ANY_PROXY = ["all_proxy", "ALL_PROXY"] as const;

/**
 * All settings. The configuration, `rebootless config` and the manual page are made from this table. In files, names
 * are written with `_`.
 */
export const SETTINGS = {
  feed: setting(feeds, [], "where updates come from; several are asked in order"),
  acceptStale: setting(
    duration(0, MAX_ACCEPT_STALE),
    "0s",
    "how long ago metadata may have expired and still be taken",
  ),
  mode: setting(
    oneOf("automatic", "check"),
    "automatic",
    "whether scheduled runs apply updates or only look for them",
  ),
  partial: setting(
    yesOrNo,
    false,
    "whether updates are applied to what is loaded, leaving modules that are not for later",
  ),
  delay: setting(duration(0, 365 * DAY), "0s", "how long an update must have been published"),
  cutOff: unset(date, "nothing that was published after is applied"),
  pin: unset(updateIds, "these updates and no others are applied"),
  rollout: setting(rolloutShare, "normal", "where this host stands in every roll-out, from 0 to 100"),
  recall: setting(
    oneOf("hold", "undo"),
    "hold",
    "what becomes of an applied update that is recalled: it stays and is reported, or it is undone",
  ),
  jitter: setting(
    duration(0, DAY),
    "15m",
    "scheduled runs wait a random time up to this; under systemd the timer does",
  ),
  timeout: setting(duration(SECOND, HOUR), "30s", "how long an answer of the feed may take"),
  downloadTimeout: setting(duration(SECOND, DAY), "5m", "how long fetching a module may take"),
  httpsProxy: unset(proxy, "proxy for https feeds", ["https_proxy", "HTTPS_PROXY", ...ANY_PROXY]),
  // HTTP_PROXY is not read: a web server uses that name to give a program the `Proxy:` header of its client.
  httpProxy: unset(proxy, "proxy for http feeds", ["http_proxy", ...ANY_PROXY]),
  noProxy: unset(hostNames, 'hosts that are reached without a proxy, with all below them; "*": all', [
    "no_proxy",
    "NO_PROXY",
  ]),
  caFile: unset(path, "certificates (PEM) that https feeds are verified with, in place of Node's own"),
  caDir: unset(path, "a folder of such certificates"),
  metricsFile: unset(path, "a file that each run writes for Prometheus (node_exporter's textfile collector)"),
  vexAuthor: setting(
    lineOfText,
    "rebootless",
    "who answers for what `rebootless vex` states: a name, or an address such as mailto:security@example.org",
  ),
  stallDeadline: setting(duration(SECOND, HOUR), "60s", "when a transition that takes so long is reversed"),
} as const;

export type SettingKey = keyof typeof SETTINGS;
export const SETTING_KEYS = Object.keys(SETTINGS) as readonly SettingKey[];

/** The value in force of each setting. */
export type Settings = {
  readonly [Key in SettingKey]: (typeof SETTINGS)[Key] extends Setting<infer T> ? T : never;
};

/** Returns the name of a setting as it is written in files and on the command line. */
export const settingName = (key: SettingKey): string =>
  key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
