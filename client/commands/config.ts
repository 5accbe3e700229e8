import { type Hold, holdToJson } from "../../shared/feed/holds.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";
import { formatInstant } from "../../shared/time.ts";
import type { Raw } from "../config/kinds.ts";
import { describeOrigin, type Origin } from "../config/layers.ts";
import { SETTINGS, settingName } from "../config/settings.ts";
import { type InForce, settingsInForce } from "../config.ts";
import type { Context } from "../context.ts";
import { readHolds } from "../policy/holds.ts";

/** Shows every setting, and where its value was said; then what is held, which is not a setting but decides as well. */
export async function config({ places, terminal }: Context): Promise<void> {
  const settings = await settingsInForce(places);
  const holds = await readHolds(places.stateDir);
  for (const setting of settings) terminal.say(settingLine(setting));
  for (const hold of holds)
    terminal.say(`# held: ${hold.what} since ${formatInstant(hold.since)}${why(hold)}`);
  terminal.result("config", { settings: settings.map(settingToJson), holds: holds.map(holdToJson) });
}

const why = ({ reason }: Hold): string => (reason === null ? "" : `: ${reason}`);

/** As it would stand in a file; what is not set, as a comment. */
function settingLine({ key, raw, origin }: InForce): string {
  const value = shown({ key, raw, origin });
  const text =
    value === undefined ? `# ${settingName(key)} is not set` : `${settingName(key)} = ${toml(value)}`;
  return origin.from === "default" ? text : `${text.padEnd(50)} # ${describeOrigin(origin)}`;
}

function settingToJson(setting: InForce): JsonObject {
  const { description } = SETTINGS[setting.key];
  return jsonObject({
    name: settingName(setting.key),
    value: shown(setting) ?? null,
    origin: originToJson(setting.origin),
    description,
  });
}

function originToJson(origin: Origin): JsonObject {
  if (origin.from === "file") return jsonObject({ from: "file", path: origin.path, line: origin.line });
  if (origin.from === "environment") return jsonObject({ from: "environment", variable: origin.variable });
  return jsonObject({ from: origin.from });
}

function shown({ key, raw }: InForce): Raw | undefined {
  return raw === undefined ? undefined : (SETTINGS[key].kind.masked?.(raw) ?? raw);
}

/** JSON's texts and lists are TOML's too. */
const toml = (value: Raw): string => JSON.stringify(value).replaceAll('","', '", "');
