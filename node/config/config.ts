import { join } from "node:path";
import { RebootlessError } from "../../shared/errors.ts";
import { feedAddress, type Raw } from "./kinds.ts";
import {
  commandLineLayer,
  describeOrigin,
  environmentLayer,
  fileLayer,
  folderLayers,
  type Layer,
  type Origin,
} from "./layers.ts";
import { SETTING_KEYS, SETTINGS, type SettingKey, type Settings, settingName } from "./settings.ts";

/** The folders of a host: the administrator's, the program's own, and one that a reboot empties. */
export interface Places {
  readonly configDir: string;
  readonly stateDir: string;
  readonly runDir: string;
  /** Settings from the command line, as `name=value`. They take precedence over every file. */
  readonly set?: readonly string[];
}

export const DEFAULT_PLACES: Places = {
  configDir: "/etc/rebootless",
  stateDir: "/var/lib/rebootless",
  runDir: "/run/rebootless",
};

export const foldersOf = ({ configDir, stateDir, runDir }: Places): readonly string[] => [
  configDir,
  stateDir,
  runDir,
];
export const configFile = (places: Places): string => join(places.configDir, "rebootless.toml");
export const provisionedRootFile = (places: Places): string => join(places.configDir, "root.json");

/** The settings that the administrator made. Times are in milliseconds. */
export interface Config extends Settings {
  /** The place where each setting was made. */
  readonly origins: Readonly<Record<SettingKey, Origin>>;
}

/** A setting as it is in force, and the place where it was made. */
export interface InForce {
  readonly key: SettingKey;
  /** The value as written, or the default. It is undefined if nothing is set or if the value is not understood. */
  readonly raw: Raw | undefined;
  readonly origin: Origin;
  /** True if the value is not understood. */
  readonly wrong: boolean;
}

/** All settings, and the errors in them. */
export interface Configuration {
  readonly settings: readonly InForce[];
  /** The errors with code `config`, in the order of the places where the settings were made. */
  readonly faults: readonly RebootlessError[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings. An unknown key is an error, so that no wish is silently ignored.
 *
 * @throws RebootlessError `config` if no feed is set, or for a setting that is not understood.
 */
export async function readConfig(places: Places, environment: Environment = process.env): Promise<Config> {
  const { settings, faults } = await readConfiguration(places, environment);
  const [fault] = faults;
  if (fault) throw fault;
  const values = settings.map(({ key, raw }) => [
    key,
    raw === undefined ? undefined : SETTINGS[key].kind.read(raw),
  ]);
  const origins = Object.fromEntries(settings.map(({ key, origin }) => [key, origin]));
  const config = { ...Object.fromEntries(values), origins } as unknown as Config;
  if (config.feed.length > 0) return config;
  throw new RebootlessError("config", `no feed is set in ${configFile(places)}`, {
    hint: "Run `rebootless init --feed URL --root root.json` first.",
  });
}

/**
 * Reads every setting: from the command line, or else from the last file that has it, the environment, or the
 * default. One setting that is not understood does not hide the others.
 */
export async function readConfiguration(
  places: Places,
  environment: Environment = process.env,
): Promise<Configuration> {
  const layers: readonly Layer[] = [
    environmentLayer(environment),
    await fileLayer(configFile(places)),
    ...(await folderLayers(join(places.configDir, "conf.d"))),
    commandLineLayer(places.set ?? []),
  ];
  const faults = layers.flatMap((layer) => layer.faults);
  const settings = SETTING_KEYS.map((key): InForce => {
    const said = layers.map((layer) => layer.said.get(key)).findLast((value) => value !== undefined);
    if (!said) return { key, raw: SETTINGS[key].standard, origin: { from: "default" }, wrong: false };
    const { raw, origin } = said;
    if (raw !== undefined && SETTINGS[key].kind.read(raw) !== undefined)
      return { key, raw, origin, wrong: false };
    if (raw !== undefined) faults.push(notWanted(key, raw, origin));
    return { key, raw: undefined, origin, wrong: true };
  });
  return { settings, faults };
}

function notWanted(key: SettingKey, raw: Raw, origin: Origin): RebootlessError {
  const { kind } = SETTINGS[key];
  const had = kind.masked ? "" : `, had ${JSON.stringify(raw).slice(0, 80)}`;
  return new RebootlessError(
    "config",
    `${describeOrigin(origin)}: ${settingName(key)}: expected ${kind.wanted}${had}`,
    origin.from === "environment" ? { hint: setElsewhere(key, origin.variable) } : {},
  );
}

/**
 * Returns a hint that leaves the variable alone, because other programs may understand a value that this one does
 * not, such as a SOCKS proxy.
 */
const setElsewhere = (key: SettingKey, variable: string): string =>
  `Set ${settingName(key)} in rebootless.toml, or run rebootless without ${variable}.`;

/**
 * Checks a feed's address and puts a slash at its end.
 *
 * @throws RebootlessError `config`.
 */
export function feedUrl(text: string): string {
  const url = feedAddress(text);
  if (url !== undefined) return url;
  throw new RebootlessError("config", `not the address of a feed: ${text}`, {
    hint: "A feed is an http or https address such as https://feed.example.org/, or the path of a folder.",
  });
}
