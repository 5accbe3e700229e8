import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { withFeed } from "../../client/config/feed_line.ts";
import { readConfig } from "../../node/config/config.ts";
import { SETTING_KEYS, SETTINGS, settingName } from "../../node/config/settings.ts";
import { defaultConfig } from "../../packaging/host/default_config.ts";
import { configPage, EXAMPLE } from "../../packaging/man/config_page.ts";
import { ABOUT } from "./support.ts";

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-settings-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function read(text: string) {
  await writeFile(join(dir, "rebootless.toml"), text);
  const { origins, ...settings } = await readConfig({ configDir: dir, stateDir: dir, runDir: dir }, {});
  expect(Object.keys(origins)).toEqual(SETTING_KEYS);
  return settings;
}

describe("the configuration that packages install", () => {
  it("sets nothing: a host without `init` is told so", async () => {
    await expect(read(defaultConfig())).rejects.toMatchObject({ code: "config", hint: /rebootless init/ });
  });

  it("names every setting", () => {
    for (const key of SETTING_KEYS) {
      expect(defaultConfig()).toMatch(new RegExp(`^# ${settingName(key)} (?:=|is not set)`, "m"));
      expect(defaultConfig()).toContain(`# ${SETTINGS[key].description}:\n`);
    }
  });

  it("shows defaults that, said aloud, change nothing", async () => {
    const said = defaultConfig().replaceAll(/^# (\w+ = )/gm, "$1");
    expect(await read(said)).toEqual(await read('feed = "https://feed.example.org/"'));
  });

  it("takes the feed from init where it shows one", async () => {
    const text = withFeed(defaultConfig(), "https://a.example/", "x");
    expect((await read(text)).feed).toEqual(["https://a.example/"]);
    expect(text).not.toContain("feed.example.org");
  });
});

describe("rebootless.toml(5)", () => {
  it("has every setting with what is expected", () => {
    const page = configPage(ABOUT)
      .replaceAll(/\\f[BR]/g, "")
      .replaceAll("\\-", "-");
    for (const key of SETTING_KEYS) {
      expect(page).toContain(`\n.TP\n${settingName(key)}\n`);
      expect(page).toContain(`Expected: ${SETTINGS[key].kind.wanted}.`);
    }
  });

  it("has an example that is understood", async () => {
    const { feed, partial } = await read(EXAMPLE.join("\n"));
    expect(feed).toEqual(["https://feed.example.org/", "file:///srv/mirror/"]);
    expect(partial).toBe(true);
  });
});
