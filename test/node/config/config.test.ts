import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  configFile,
  feedUrl,
  type Places,
  readConfig,
  readConfiguration,
} from "../../../node/config/config.ts";
import { DAY, instant, MINUTE } from "../../../shared/time.ts";

let places: Places;
beforeEach(async () => {
  const dir = await mkdtemp(join(tmpdir(), "rebootless-config-"));
  places = { configDir: dir, stateDir: dir, runDir: dir };
});
afterEach(() => rm(places.configDir, { recursive: true, force: true }));

const FEED = 'feed = "https://a.example/"\n';
const write = (text: string) => writeFile(configFile(places), text);
const writePart = async (name: string, text: string) => {
  await mkdir(join(places.configDir, "conf.d"), { recursive: true });
  await writeFile(join(places.configDir, "conf.d", name), text);
};
const read = async (text: string, set: readonly string[] = [], environment = {}) => {
  await write(text);
  return readConfig({ ...places, set }, environment);
};

describe("the configuration", () => {
  it("has a default for everything but the feed", async () => {
    const { origins, ...settings } = await read('# a comment\nfeed = "https://feed.example.org/k"\n');
    expect(origins).toMatchObject({ feed: { from: "file", line: 2 }, mode: { from: "default" } });
    expect(settings).toEqual({
      feed: ["https://feed.example.org/k/"],
      acceptStale: 0,
      mode: "automatic",
      partial: false,
      delay: 0,
      cutOff: undefined,
      pin: undefined,
      rollout: "normal",
      recall: "hold",
      jitter: 15 * MINUTE,
      timeout: 30_000,
      downloadTimeout: 5 * MINUTE,
      httpsProxy: undefined,
      httpProxy: undefined,
      noProxy: undefined,
      caFile: undefined,
      caDir: undefined,
      vexAuthor: "rebootless",
      stallDeadline: MINUTE,
    });
  });

  it("takes everything that can be said", async () => {
    const config = await read(`
      feed = ["/srv/mirror", "file:///media/stick", "http://10.0.0.1/feed", "https://b.example"]
      accept_stale = "14d"
      mode = "check"
      partial = true
      delay = "3d"
      cut_off = 2026-12-01T06:00:00+02:00
      pin = ["fix-1", "fix-2"]
      rollout = "early"
      recall = "undo"
      jitter = "0s"
      timeout = "5s"
      https_proxy = "http://user:secret@proxy.example:3128"
      no_proxy = ["b.example", "10.0.0.1, .Local"]
      ca_dir = "/etc/ssl/ours"
    `);
    expect(config).toMatchObject({
      feed: ["file:///srv/mirror/", "file:///media/stick/", "http://10.0.0.1/feed/", "https://b.example/"],
      acceptStale: 14 * DAY,
      mode: "check",
      partial: true,
      delay: 3 * DAY,
      cutOff: instant(Date.UTC(2026, 11, 1, 4)),
      pin: ["fix-1", "fix-2"],
      rollout: 0,
      recall: "undo",
      jitter: 0,
      timeout: 5000,
      httpsProxy: "http://user:secret@proxy.example:3128/",
      noProxy: ["b.example", "10.0.0.1", ".local"],
      caDir: "/etc/ssl/ours",
    });
  });

  it.each([
    ["cut_off = 2026-12-01", Date.UTC(2026, 11, 1)],
    ['cut_off = "2026-12-01"', Date.UTC(2026, 11, 1)],
    ['cut_off = "2026-12-01T06:00:00Z"', Date.UTC(2026, 11, 1, 6)],
  ])("reads the date of %s", async (line, time) => {
    expect((await read(FEED + line)).cutOff).toBe(time);
  });

  it.each([
    ["a key that nobody knows", `${FEED}\nfeeds = 1\n`, "rebootless.toml:3: unknown key feeds"],
    ["a table that nobody knows", `${FEED}[proxy]\nurl = "x"\n`, "rebootless.toml:2: unknown key proxy"],
    ["__proto__", `${FEED}[__proto__]\nx = 1\n`, "rebootless.toml:2: unknown key __proto__"],
    ["no feed", "", "no feed is set in "],
    ["an empty list of feeds", "feed = []", "no feed is set in "],
    ["a feed that is no text", "feed = 7", "toml:1: feed: expected the address of a feed or a list"],
    ["a feed of another scheme", 'feed = "ftp://a.example/"', "toml:1: feed: expected the address"],
    ["a list of feeds with one that is none", 'feed = ["https://a.example/", "x"]', "toml:1: feed: "],
    ["a list of numbers", "feed = [1, 2]", "toml:1: feed: neither a text"],
    ["a table in place of a text", "feed = { url = 1 }", "toml:1: feed: neither a text"],
    ["what is not TOML", "\nfeed: yes", "rebootless.toml:2 is not TOML: illegal character in key"],
    ["a key given twice", FEED + FEED, "is not TOML"],
    ["a text in place of a boolean", `${FEED}partial = "yes"`, "toml:2: partial: expected true or false"],
    ["a mode that is none", `${FEED}mode = "off"`, 'mode: expected "automatic" or "check", had "off"'],
    ["a time without a unit", `${FEED}delay = 3`, 'delay: expected a time such as "90s", "36h" or "3d"'],
    ["stale metadata for a year", `${FEED}accept_stale = "365d"`, "from 0s to 90d"],
    ["an answer in no time", `${FEED}timeout = "0s"`, "timeout: expected a time"],
    ["a date that is none", `${FEED}cut_off = "2026-02-30"`, "cut_off: expected a date"],
    ["a time of no zone", `${FEED}cut_off = 2026-02-20T00:00:00`, "cut_off: expected a date"],
    ["a pin that is no id", `${FEED}pin = ["Fix"]`, "pin: expected a list of update ids"],
    ["a bucket past the last", `${FEED}rollout = 101`, "rollout: expected"],
    ["an author of nothing", `${FEED}vex_author = " "`, "vex_author: expected a line of text"],
    ["an author of two lines", `${FEED}vex_author = "a\\nb"`, "vex_author: expected a line of text"],
    ["an author without end", `${FEED}vex_author = "${"a".repeat(201)}"`, "of at most 200 characters"],
    ["a relative path", `${FEED}ca_file = "ca.pem"`, "ca_file: expected an absolute path"],
  ])("is refused with %s", async (_, text, message) => {
    await expect(read(text)).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining(message),
    });
  });

  it("does not repeat the password of a proxy that is refused", async () => {
    await expect(read(`${FEED}https_proxy = "ftp://user:secret@proxy"`)).rejects.toMatchObject({
      message: expect.not.stringContaining("secret"),
    });
  });

  it("that is missing sends to init", async () => {
    await expect(readConfig(places)).rejects.toMatchObject({
      code: "config",
      hint: expect.stringContaining("rebootless init"),
    });
  });

  it("that cannot be read does not", async () => {
    await expect(readConfig({ ...places, configDir: "/dev/null" })).rejects.toMatchObject({
      code: "config",
      hint: "Run as root.",
    });
    await chmod(places.configDir, 0o755);
  });
});

describe("a setting", () => {
  const inForce = async (key: string, set: readonly string[] = [], environment = {}) =>
    (await readConfiguration({ ...places, set }, environment)).settings.find(
      (setting) => setting.key === key,
    );

  it("holds as the last file says, in the order of their names", async () => {
    await write(`${FEED}delay = "1d"\n`);
    await writePart("20-later.toml", '\ndelay = "3d"\n');
    await writePart("10-early.toml", 'delay = "2d"\nmode = "check"\n');
    await writePart("30-not.toml.rpmsave", 'delay = "4d"\n');
    await writePart(".40-hidden.toml", 'delay = "5d"\n');
    const at = (name: string) => join(places.configDir, "conf.d", name);
    expect(await inForce("delay")).toEqual({
      key: "delay",
      raw: "3d",
      origin: { from: "file", path: at("20-later.toml"), line: 2 },
      wrong: false,
    });
    expect(await inForce("mode")).toMatchObject({ raw: "check", origin: { path: at("10-early.toml") } });
    expect(await inForce("feed")).toMatchObject({ origin: { path: configFile(places), line: 1 } });
    expect(await inForce("partial")).toMatchObject({ raw: false, origin: { from: "default" } });
  });

  it("may come from a part alone", async () => {
    await writePart("feed.toml", FEED);
    expect((await readConfig(places)).feed).toEqual(["https://a.example/"]);
  });

  it("is refused in the part that it stands in", async () => {
    await write(FEED);
    await writePart("a.toml", "\n\nfoo = 1\n");
    await expect(readConfig(places)).rejects.toThrow(/conf\.d\/a\.toml:3: unknown key foo$/);
  });

  it("of the command line holds over every file", async () => {
    await write(`${FEED}delay = "1d"\n`);
    const set = ["delay=2d", "partial=true", 'pin=["fix-1"]', "cut_off=2026-01-01", "rollout=7"];
    expect(await readConfig({ ...places, set })).toMatchObject({
      delay: 2 * DAY,
      partial: true,
      pin: ["fix-1"],
      cutOff: Date.UTC(2026, 0, 1),
      rollout: 7,
    });
    expect(await inForce("delay", set)).toMatchObject({ origin: { from: "command line" } });
  });

  it.each(["delay", "dely=1d", "=1", "partial=perhaps"])("is not set by --set %j", async (assignment) => {
    await write(FEED);
    await expect(readConfig({ ...places, set: [assignment] })).rejects.toMatchObject({
      code: "config",
      message: expect.stringMatching(/^command line: /),
    });
  });

  it("of a proxy is taken from the environment where no file has it", async () => {
    const environment = { HTTPS_PROXY: "http://up:1", https_proxy: "http://low:1", no_proxy: "a,.b" };
    await write(FEED);
    expect(await readConfig(places, environment)).toMatchObject({
      httpsProxy: "http://low:1/",
      noProxy: ["a", ".b"],
    });
    expect(await inForce("httpsProxy", [], environment)).toMatchObject({
      origin: { from: "environment", variable: "https_proxy" },
    });
    await write(`${FEED}https_proxy = "http://file:1"\n`);
    expect(await readConfig(places, environment)).toMatchObject({ httpsProxy: "http://file:1/" });
  });

  it.each([
    ["https_proxy", { https_proxy: "http://a:1", HTTPS_PROXY: "http://b:1", all_proxy: "http://c:1" }],
    ["HTTPS_PROXY", { HTTPS_PROXY: "http://a:1", all_proxy: "http://b:1" }],
    ["all_proxy", { all_proxy: "http://a:1", ALL_PROXY: "http://b:1" }],
    ["ALL_PROXY", { ALL_PROXY: "a:1", http_proxy: "http://b:1", HTTP_PROXY: "http://c:1" }],
  ])("of a proxy for https is taken from %s before others, as curl does", async (variable, environment) => {
    await write(FEED);
    const config = await readConfig(places, environment);
    expect([config.httpsProxy, config.origins.httpsProxy]).toEqual([
      "http://a:1/",
      { from: "environment", variable },
    ]);
  });

  it.each([
    [
      "http_proxy",
      { http_proxy: "me:pw@a:1", HTTP_PROXY: "http://b:1", ALL_PROXY: "http://c:1" },
      "http://me:pw@a:1/",
    ],
    ["ALL_PROXY", { HTTP_PROXY: "http://b:1", ALL_PROXY: "http://a:1" }, "http://a:1/"],
  ])(
    "of a proxy for http is taken from %s before others, as curl does",
    async (variable, environment, url) => {
      await write(FEED);
      const config = await readConfig(places, environment);
      expect([config.httpProxy, config.origins.httpProxy]).toEqual([url, { from: "environment", variable }]);
    },
  );

  it("of a proxy that is none of ours is refused with its variable, and without its password", async () => {
    await write(FEED);
    await expect(readConfig(places, { ALL_PROXY: "socks5://me:pw@a:1" })).rejects.toMatchObject({
      message: "environment ALL_PROXY: https_proxy: expected the http or https address of a proxy",
      hint: "Set https_proxy in rebootless.toml, or run rebootless without ALL_PROXY.",
    });
  });

  it("of hosts without a proxy is split at commas and blanks", async () => {
    await write(FEED);
    const { noProxy } = await readConfig(places, { NO_PROXY: "a.example, .B.example  10.0.0.0/8," });
    expect(noProxy).toEqual(["a.example", ".b.example", "10.0.0.0/8"]);
  });

  it("is not taken from HTTP_PROXY, nor from a variable that is empty", async () => {
    await write(FEED);
    const config = await readConfig(places, { HTTP_PROXY: "http://evil:1", https_proxy: "" });
    expect([config.httpProxy, config.httpsProxy]).toEqual([undefined, undefined]);
  });
});

describe("a feed's address", () => {
  it.each([
    ["https://feed.example.org", "https://feed.example.org/"],
    ["http://127.0.0.1:8787/a/b", "http://127.0.0.1:8787/a/b/"],
    ["HTTPS://Feed.Example.org/a/", "https://feed.example.org/a/"],
    ["/srv/feed", "file:///srv/feed/"],
    ["/srv/a feed#1", "file:///srv/a%20feed%231/"],
    ["file:///srv/feed/", "file:///srv/feed/"],
  ])("%s is %s", (text, url) => {
    expect(feedUrl(text)).toBe(url);
  });

  it.each([
    "",
    "feed.example.org",
    "srv/feed",
    "file://elsewhere/srv/feed/",
    "https://feed.example.org/?a=b",
    "https://feed.example.org/#a",
    "https://name:secret@feed.example.org/",
    "https://name@feed.example.org/",
  ])("%j is none", (text) => {
    expect(() => feedUrl(text)).toThrow(expect.objectContaining({ code: "config" }));
  });
});
