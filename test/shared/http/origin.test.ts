import { describe, expect, it } from "vitest";
import { isHost, serverOrigin } from "../../../shared/http/origin.ts";

describe("a host that a request names", () => {
  it.each([
    "feed.example.org",
    "FEED.example.org:8443",
    "localhost:0",
    "127.0.0.1",
    "[::1]",
    "[2001:db8::1]:80",
  ])("%s can stand in an address", (host) => expect(isHost(host)).toBe(true));
  it.each([
    "",
    ":80",
    "a:",
    "a:b",
    "a:99999",
    "[::1",
    "[::g]",
    "a b",
    "a/b",
    "a@b",
    "u:p@b",
    "a#",
    "a?b",
    "a\\b",
    'a"><script>',
    "a\n",
    "-a",
    ".a",
    "%61",
    "ä.example",
    "0x7f.1.2.3.4",
    `${"a".repeat(300)}`,
  ])("%j cannot", (host) => expect(isHost(host)).toBe(false));
});

describe("the address of a server", () => {
  it.each([
    ["https://feed.example.org", "https://feed.example.org"],
    ["https://feed.example.org/", "https://feed.example.org"],
    ["http://[::1]:8787", "http://[::1]:8787"],
    ["HTTPS://FEED.example.org:443", "https://feed.example.org"],
  ])("%s", (text, origin) => expect(serverOrigin(text)).toBe(origin));
  it.each([
    "feed.example.org",
    "ftp://feed.example.org",
    "https://feed.example.org/path",
    "https://feed.example.org/?q",
    "https://feed.example.org/#f",
    "https://u@feed.example.org",
    "https://u:p@feed.example.org",
    "https://",
    "",
  ])("is not %j", (text) => expect(serverOrigin(text)).toBeUndefined());
});
