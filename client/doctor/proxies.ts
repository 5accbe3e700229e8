import { type Places, readConfig } from "../../node/config/config.ts";
import { routeOf } from "../../node/transport/feeds.ts";
import { describeProxy, proxyFor } from "../../node/transport/proxies.ts";
import { type Check, type CheckOutcome, ok, warn } from "./check.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Reports the proxies through which feeds are reached, and warns of a variable that is ignored. */
export const proxyCheck = (places: Places, environment: Environment = process.env): Check => ({
  name: "proxy",
  look: async () => proxies(places, environment),
});

async function proxies(places: Places, environment: Environment): Promise<CheckOutcome> {
  const config = await readConfig(places, environment);
  const urls = config.feed.filter((feed) => !feed.startsWith("file:")).map((feed) => new URL(feed));
  const ignored = environment["HTTP_PROXY"] && config.httpProxy === undefined;
  if (ignored && urls.some(({ protocol }) => protocol === "http:")) return warn(IGNORED, SET_LOWER);
  const through = urls.flatMap((url) => {
    const proxy = proxyFor(url, routeOf(config));
    return proxy ? [`${url.href} through ${describeProxy(proxy)}`] : [];
  });
  return ok(through.length === 0 ? "the feeds are reached without a proxy" : through.join(", "));
}

const IGNORED =
  "HTTP_PROXY is set and is ignored, because web servers set a variable of that name to what a client sent";
const SET_LOWER = "Set http_proxy, in the environment or in rebootless.toml. curl ignores HTTP_PROXY, too.";
