import { describe, expect, it } from "vitest";
import { proxyFor } from "../../../client/trust/proxies.ts";

const PROXIES = { httpsProxy: "http://s:1/", httpProxy: "http://p:1/" };
const through = (url: string, ...noProxy: readonly string[]) =>
  proxyFor(new URL(url), { ...PROXIES, noProxy: noProxy.map((name) => name.toLowerCase()) });

describe("the proxy for a URL", () => {
  it("is the one of its scheme", () => {
    expect(through("https://a.example/")).toBe("http://s:1/");
    expect(through("http://a.example/")).toBe("http://p:1/");
    const none = { httpsProxy: undefined, httpProxy: undefined, noProxy: undefined };
    expect(proxyFor(new URL("https://a.example/"), none)).toBeUndefined();
  });

  it.each([
    ["a.example", "https://a.example/"],
    ["a.example", "https://deep.in.a.example/"],
    [".a.example", "https://x.a.example/"],
    ["*.a.example", "https://x.a.example/"],
    ["*", "https://anything/"],
    ["A.Example", "https://a.example/"],
    ["a.example:443", "https://a.example/"],
    ["a.example:8443", "https://a.example:8443/"],
    ["10.0.0.1", "http://10.0.0.1:8080/"],
    ["::1", "http://[::1]:8080/"],
    ["[::1]:8080", "http://[::1]:8080/"],
  ])("is none where no_proxy has %s, for %s", (name, url) => {
    expect(through(url, "other", name)).toBeUndefined();
  });

  it.each([
    ["a.example", "https://ba.example/"],
    ["a.example", "https://a.example.org/"],
    ["a.example:8443", "https://a.example/"],
    ["example", "https://examples/"],
    ["10.0.0.1", "http://210.0.0.1/"],
  ])("is there where no_proxy has %s, for %s", (name, url) => {
    expect(through(url, name)).toBeDefined();
  });
});
