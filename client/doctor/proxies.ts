import { type Places, readConfig } from "../../node/config/config.ts";
import { routeOf } from "../../node/transport/feeds.ts";
import { describeProxy, proxyFor } from "../../node/transport/proxies.ts";
import { type Check, type CheckOutcome, ok, warn } from "./check.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** By which proxies the feeds are reached, and whether one that is meant is not heeded. */
export const proxyCheck = (places: Places, environment: Environment = process.env): Check => ({
  name: "proxy",
  look: async () => proxies(places, environment),
});

async function proxies(places: Places, environment: Environment): Promise<CheckOutcome> {
  const config = await readConfig(places, environment);
  const urls = config.feed.filter((feed) => !feed.startsWith("file:")).map((feed) => new URL(feed));
  const unheeded = environment["HTTP_PROXY"] && config.httpProxy === undefined;
  if (unheeded && urls.some(({ protocol }) => protocol === "http:")) return warn(UNHEEDED, SET_LOWER);
  const through = urls.flatMap((url) => {
    const proxy = proxyFor(url, routeOf(config));
    return proxy ? [`${url.href} through ${describeProxy(proxy)}`] : [];
  });
  return ok(through.length === 0 ? "feeds are reached without a proxy" : through.join(", "));
}

const UNHEEDED =
  "HTTP_PROXY is set and not heeded: a web server gives its programs a variable of that name, with what anybody sent it";
const SET_LOWER =
  "Set http_proxy, in the environment or in rebootless.toml; curl does not heed HTTP_PROXY either.";
