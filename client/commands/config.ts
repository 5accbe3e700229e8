import { type InForce, readConfiguration } from "../../node/config/config.ts";
import type { Raw } from "../../node/config/kinds.ts";
import { describeOrigin, type Origin } from "../../node/config/layers.ts";
import { SETTINGS, settingName } from "../../node/config/settings.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";
import { formatInstant } from "../../shared/time.ts";
import type { Context } from "../context.ts";
import { type Hold, holdToJson } from "../plan/holds.ts";
import { readHolds } from "../policy/holds.ts";

/**
 * Shows every setting with the place where it is set; then the holds, which are not settings but decide as well; then what
 * is wrong.
 *
 * @throws RebootlessError `config` after all that if anything is wrong. Other commands throw it at once.
 */
export async function config({ places, terminal }: Context): Promise<void> {
  const { settings, faults } = await readConfiguration(places);
  const { holds, wrong } = await holdsOrFault(places.stateDir, faults);
  for (const setting of settings) terminal.say(settingLine(setting));
  for (const hold of holds)
    terminal.say(`# held: ${hold.what} since ${formatInstant(hold.since)}${why(hold)}`);
  for (const { message } of wrong) terminal.say(`# wrong: ${message}`);
  const answer = { settings: settings.map(settingToJson), holds: holds.map((hold) => holdToJson(hold)) };
  const [first] = wrong;
  if (!first) return terminal.result("config", answer);
  const alone = wrong.length === 1;
  const message = `the configuration is wrong in ${wrong.length} places; the lines with \`# wrong:\` list them`;
  throw new RebootlessError("config", alone ? first.message : message, {
    hint:
      (alone ? first.hint : undefined) ??
      "Commands that need the configuration do not run until this is corrected.",
    answer: {
      ...answer,
      faults: wrong.map((fault) => jsonObject({ message: fault.message, hint: fault.hint })),
    },
  });
}

async function holdsOrFault(stateDir: string, faults: readonly RebootlessError[]) {
  try {
    return { holds: await readHolds(stateDir), wrong: faults };
  } catch (error) {
    if (!(error instanceof RebootlessError)) throw error;
    return { holds: [], wrong: [...faults, error] };
  }
}

const why = ({ reason }: Hold): string => (reason === null ? "" : `: ${reason}`);

/** Formats a setting as it would be in a file. A setting that is not set becomes a comment. */
function settingLine(setting: InForce): string {
  const { key, origin, wrong } = setting;
  const value = shown(setting);
  const none = `# ${settingName(key)} ${wrong ? "is wrong" : "is not set"}`;
  const text = value === undefined ? none : `${settingName(key)} = ${toml(value)}`;
  return origin.from === "default" ? text : `${text.padEnd(50)} # ${describeOrigin(origin)}`;
}

function settingToJson(setting: InForce): JsonObject {
  const { description } = SETTINGS[setting.key];
  return jsonObject({
    name: settingName(setting.key),
    value: shown(setting) ?? null,
    origin: originToJson(setting.origin),
    wrong: setting.wrong,
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

/** Formats a value. Strings and lists in JSON are valid TOML. */
const toml = (value: Raw): string => JSON.stringify(value).replaceAll('","', '", "');
