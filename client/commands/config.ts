import { type JsonObject, jsonObject } from "../../shared/json.ts";
import type { Raw } from "../config/kinds.ts";
import { describeOrigin, type Origin } from "../config/layers.ts";
import { SETTINGS, settingName } from "../config/settings.ts";
import { type InForce, settingsInForce } from "../config.ts";
import type { Context } from "../context.ts";

/** Shows every setting, and where its value was said. */
export async function config({ places, terminal }: Context): Promise<void> {
  const settings = await settingsInForce(places);
  for (const setting of settings) terminal.say(settingLine(setting));
  terminal.result("config", { settings: settings.map(settingToJson) });
}

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
