import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { configFile, feedUrl, type Places, readConfig } from "../../client/config.ts";

let places: Places;
beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), "rebootless-config-"));
  places = { configDir: dir, stateDir: dir };
});
afterAll(() => rm(places.configDir, { recursive: true }));

const read = async (text: string) => {
  await writeFile(configFile(places), text);
  return readConfig(places);
};

describe("the configuration", () => {
  it("names the feed", async () => {
    expect(await read('# a comment\nfeed = "https://feed.example.org/k"\n')).toMatchObject({
      feed: "https://feed.example.org/k/",
      acceptStaleMs: 0,
    });
  });

  it.each([
    ["a key that nobody knows", 'feed = "https://a.example/"\nfeeds = 1\n', "unknown key feeds"],
    ["a table that nobody knows", 'feed = "https://a.example/"\n[proxy]\nurl = "x"\n', "unknown key proxy"],
    ["__proto__", 'feed = "https://a.example/"\n[__proto__]\nx = 1\n', "unknown key __proto__"],
    ["no feed", "", "feed is not set"],
    ["a feed that is no text", "feed = 7", "feed is not set"],
    ["a feed of another scheme", 'feed = "ftp://a.example/"', "not the address of a feed"],
    ["what is not TOML", "feed: yes", "is not TOML"],
    ["a key given twice", 'feed = "https://a.example/"\nfeed = "https://b.example/"\n', "is not TOML"],
  ])("is refused with %s", async (_, text, message) => {
    await expect(read(text)).rejects.toMatchObject({
      code: "config",
      message: expect.stringContaining(message),
    });
  });

  it("that is missing sends to init", async () => {
    await rm(configFile(places), { force: true });
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

describe("a feed's address", () => {
  it.each([
    ["https://feed.example.org", "https://feed.example.org/"],
    ["http://127.0.0.1:8787/a/b", "http://127.0.0.1:8787/a/b/"],
    ["HTTPS://Feed.Example.org/a/", "https://feed.example.org/a/"],
  ])("%s is %s", (text, url) => {
    expect(feedUrl(text)).toBe(url);
  });

  it.each([
    "",
    "feed.example.org",
    "/srv/feed",
    "file:///srv/feed/",
    "https://feed.example.org/?a=b",
    "https://feed.example.org/#a",
    "https://name:secret@feed.example.org/",
    "https://name@feed.example.org/",
  ])("%j is none", (text) => {
    expect(() => feedUrl(text)).toThrow(expect.objectContaining({ code: "config" }));
  });
});
