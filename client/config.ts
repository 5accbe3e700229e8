import { join } from "node:path";
import { parse } from "smol-toml";
import { RebootlessError } from "../shared/errors.ts";
import { readIfPresent } from "./host/files.ts";
import { staleness } from "./trust/freshness.ts";

/** Where a host keeps things: the administrator's folder and the program's own. */
export interface Places {
  readonly configDir: string;
  readonly stateDir: string;
}

export const DEFAULT_PLACES: Places = { configDir: "/etc/rebootless", stateDir: "/var/lib/rebootless" };

export interface Config {
  /** Base URL of the feed, with a slash at its end. */
  readonly feed: string;
  /** How long ago metadata may have expired and still be taken; 0 unless the administrator chose otherwise. */
  readonly acceptStaleMs: number;
}

export const configFile = (places: Places): string => join(places.configDir, "rebootless.toml");
export const provisionedRootFile = (places: Places): string => join(places.configDir, "root.json");

const KEYS: ReadonlySet<string> = new Set(["feed", "accept_stale"]);

/** Throws `config` when the file is absent or not understood: an unknown key is an error, not a wish ignored. */
export async function readConfig(places: Places): Promise<Config> {
  const file = configFile(places);
  const table = parseToml(await readConfigText(file), file);
  for (const key of Object.keys(table)) {
    if (!KEYS.has(key)) throw new RebootlessError("config", `${file}: unknown key ${key}`);
  }
  const feed = table["feed"];
  if (typeof feed !== "string") throw new RebootlessError("config", `${file}: feed is not set`);
  const stale = table["accept_stale"] ?? "";
  if (typeof stale !== "string")
    throw new RebootlessError("config", `${file}: accept_stale is not a text such as "14d"`);
  return { feed: feedUrl(feed), acceptStaleMs: stale === "" ? 0 : staleness(stale) };
}

/** Checks a feed's URL and puts a slash at its end. Throws `config`. */
export function feedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url && url.search + url.hash + url.username + url.password === "";
  if (!plain || !["http:", "https:"].includes(url.protocol)) {
    throw new RebootlessError("config", `not the address of a feed: ${text}`, {
      hint: "A feed is the http or https address of a folder, such as https://feed.example.org/.",
    });
  }
  return url.href.endsWith("/") ? url.href : `${url.href}/`;
}

async function readConfigText(file: string): Promise<string> {
  const bytes = await readIfPresent(file).catch((cause: unknown) => {
    throw new RebootlessError("config", `cannot read ${file}`, { cause, hint: "Run as root." });
  });
  if (bytes) return Buffer.from(bytes).toString();
  throw new RebootlessError("config", `cannot read ${file}`, {
    hint: "Run `rebootless init --feed URL --root root.json` first.",
  });
}

function parseToml(text: string, file: string) {
  try {
    return parse(text);
  } catch (cause) {
    throw new RebootlessError("config", `${file} is not TOML`, { cause });
  }
}
