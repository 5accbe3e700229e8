import { describe, expect, it } from "vitest";
import { requestTarget } from "../../../edge/node/request_target.ts";

const HONEST = "feed.example.org:8787";
const target = (url: string, host: string | undefined = HONEST) => requestTarget({ url, headers: { host } });

describe("what a request is for", () => {
  it.each([
    ["/", "/"],
    ["/kernels?q=a//b", "/kernels?q=a//b"],
    ["//evil.example/install", "//evil.example/install"],
    ["//[::1/x", "//[::1/x"],
    ["/?q=\\", "/?q=\\"],
  ])("%s is a path on the host that the header names", (url, path) => {
    expect(target(url)).toEqual({ kind: "valid", path, host: HONEST });
  });

  it.each([
    ["http://feed.example.org/x?y", "/x?y"],
    ["https://feed.example.org", "/"],
    ["http://feed.example.org?y", "/?y"],
  ])("%s names the host itself", (url, path) => {
    expect(target(url, "other.example")).toEqual({ kind: "valid", path, host: "feed.example.org" });
  });

  it.each([
    "",
    "*",
    "x",
    "/\\evil.example",
    "http:///x",
    "http://u@h/x",
    "http://h:b/x",
    "ftp://h/x",
    "h:443",
  ])("%j is none", (url) => expect(target(url).kind).toBe("invalid"));

  it.each(["", "a b", "a/b", "u@h", 'h"><script>'])("nothing is for the host %j", (host) => {
    expect(target("/", host).kind).toBe("invalid");
  });

  it("nothing is for no host", () => {
    expect(requestTarget({ url: "/", headers: {} }).kind).toBe("invalid");
  });
});
