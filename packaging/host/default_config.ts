import { SETTING_KEYS, SETTINGS, type SettingKey, settingName } from "../../node/config/settings.ts";

const HEAD = `# Configuration of rebootless, see rebootless.toml(5). \`rebootless init\` sets the feed, \`rebootless config\` shows what is in
# force. Files in conf.d, in the order of their names, hold over this one.
`;

/**
 * Returns /etc/rebootless/rebootless.toml as packages install it. It contains every setting with its default, as a
 * comment.
 */
export const defaultConfig = (): string => [HEAD, ...SETTING_KEYS.map(lines)].join("\n");

function lines(key: SettingKey): string {
  const { description, kind, standard } = SETTINGS[key];
  const name = settingName(key);
  const unset = standard === undefined || (Array.isArray(standard) && standard.length === 0);
  const value = unset ? `# ${name} is not set` : `# ${name} = ${JSON.stringify(standard)}`;
  return `# ${description}:\n# ${kind.wanted}\n${key === "feed" ? '# feed = "https://feed.example.org/"' : value}\n`;
}
