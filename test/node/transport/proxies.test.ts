import { describe, expect, it } from "vitest";
import { proxyFor } from "../../../node/transport/proxies.ts";

const PROXIES = {
  httpsProxy: { url: "http://s:1/", setBy: "https_proxy in the environment" },
  httpProxy: { url: "http://p:1/", setBy: "http_proxy in the environment" },
};
const through = (url: string, ...noProxy: readonly string[]) =>
  proxyFor(new URL(url), { ...PROXIES, noProxy: noProxy.map((name) => name.toLowerCase()) });

describe("the proxy for a URL", () => {
  it("is the one of its scheme", () => {
    expect(through("https://a.example/")).toBe(PROXIES.httpsProxy);
    expect(through("http://a.example/")).toBe(PROXIES.httpProxy);
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
    ["a.example.", "https://a.example/"],
    ["a.example", "https://a.example./"],
    ["10.0.0.0/8", "http://10.200.0.1:8080/"],
    ["192.168.0.77/24", "http://192.168.0.1/"],
    ["0.0.0.0/0", "http://192.0.2.1/"],
    ["fd00::/8", "http://[fd12::1]/"],
    ["[fd00::]/8", "http://[fd12::1]/"],
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
    ["10.0.0.0/8", "http://11.0.0.1/"],
    ["10.0.0.0/33", "http://10.0.0.1/"],
    ["10.0.0.0/", "http://10.0.0.1/"],
    ["10.0.0.0/8", "http://ten.example/"],
    ["a.example/8", "http://a.example/"],
    ["fd00::/8", "http://10.0.0.1/"],
  ])("is there where no_proxy has %s, for %s", (name, url) => {
    expect(through(url, name)).toBeDefined();
  });
});
