import fc from "fast-check";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import { withFeed } from "../../../client/config/feed_line.ts";

const FEED = "https://a.example/$&/";
const set = (text: string) => withFeed(text, FEED, "x.toml");

describe("setting the feed in a configuration", () => {
  it("takes the line that sets it, or the one that shows how to", () => {
    expect(set('# a\nfeed = "https://b.example/"\ndelay = "1d"\n')).toBe(
      `# a\nfeed = "${FEED}"\ndelay = "1d"\n`,
    );
    expect(set('# a\n# feed = "https://b.example/"\n# delay = "0s"\n')).toBe(
      `# a\nfeed = "${FEED}"\n# delay = "0s"\n`,
    );
  });

  it("adds a line where there is none", () => {
    expect(set("")).toBe(`feed = "${FEED}"\n`);
    expect(set('delay = "1d"\n')).toBe(`feed = "${FEED}"\ndelay = "1d"\n`);
  });

  it.each([
    'feed = [\n  "https://b.example/",\n]\n',
    '# feed = ""\nfeed = "https://b.example/"\n',
    "= broken\n",
  ])("refuses what would not come out as meant: %j", (text) => {
    expect(() => set(text)).toThrow(
      expect.objectContaining({ code: "config", hint: expect.stringContaining(FEED) }),
    );
  });

  it("never makes a file that sets another feed", () => {
    fc.assert(
      fc.property(fc.string(), fc.webUrl(), (text, feed) => {
        let made: string;
        try {
          made = withFeed(text, feed, "x.toml");
        } catch {
          return;
        }
        expect(parse(made)["feed"]).toBe(feed);
      }),
    );
  });
});
