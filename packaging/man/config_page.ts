import { SETTING_KEYS, SETTINGS, type SettingKey, settingName } from "../../node/config/settings.ts";
import type { About } from "../about.ts";
import { bold, example, item, page, paragraph, section } from "./roff.ts";

/** Writes rebootless.toml(5), with every setting of the host's table. */
export function configPage(about: About): string {
  const heading = { name: "rebootless.toml", section: 5, manual: "File Formats", ...about };
  return page(heading, "configuration of rebootless", [
    section(
      "DESCRIPTION",
      paragraph(
        "`/etc/rebootless/rebootless.toml` is TOML: one `name = value` in a line. Files in `/etc/rebootless/conf.d` whose names end with `.toml` are read after it, in the order of their names; what is read later holds, and `--set name=value` on the command line over all of them.",
      ),
      paragraph(
        "A name or a value that is not understood is an error, and nothing is done. `rebootless config` shows what is in force, and where each value was said.",
      ),
    ),
    section("SETTINGS", ...SETTING_KEYS.map(settingItem)),
    section("EXAMPLE", example(EXAMPLE)),
    section("SEE ALSO", paragraph("`rebootless`(8)")),
  ]);
}

export const EXAMPLE: readonly string[] = [
  'feed = ["https://feed.example.org/", "/srv/mirror/"]',
  'mode = "automatic"',
  'delay = "2d"',
  "partial = true",
];

function settingItem(key: SettingKey): string {
  const { description, kind, standard, environment } = SETTINGS[key];
  const variables = environment.map((name) => `\`${name}\``).join(", ");
  const sentences = [
    `${description.charAt(0).toUpperCase()}${description.slice(1)}.`,
    `Expected: ${kind.wanted}.`,
    standard === undefined ? "Not set by default." : `Default: \`${JSON.stringify(standard)}\`.`,
    ...(variables === "" ? [] : [`Where no file says it, the environment's ${variables}.`]),
  ];
  return item(bold(settingName(key)), sentences.join(" "));
}
