import { pathToFileURL } from "node:url";
import { type UpdateId, updateId } from "../../shared/brand.ts";
import { formatDuration, type Instant, parseDuration, parseInstant } from "../../shared/time.ts";

/** A TOML value of one of the few kinds that settings have. */
export type Raw = string | boolean | number | readonly string[];

/** A kind of value that a setting can have. */
export interface Kind<T> {
  /** A description for people of the value that is expected. It follows the word "expected". */
  readonly wanted: string;
  /** Parses a value. Returns undefined if it is not of this kind. */
  readonly read: (raw: Raw) => T | undefined;
  /** Hides the part of a value that not everybody may see, such as a password. */
  readonly masked?: (raw: Raw) => Raw;
}

const text = <T>(wanted: string, read: (text: string) => T | undefined): Kind<T> => ({
  wanted,
  read: (raw) => (typeof raw === "string" ? read(raw) : undefined),
});

export const yesOrNo: Kind<boolean> = {
  wanted: "true or false",
  read: (raw) => (typeof raw === "boolean" ? raw : undefined),
};

export const wholeNumber = (min: number, max: number): Kind<number> => ({
  wanted: `a whole number from ${min} to ${max}`,
  read: (raw) =>
    typeof raw === "number" && Number.isInteger(raw) && raw >= min && raw <= max ? raw : undefined,
});

export const oneOf = <T extends string>(...choices: readonly T[]): Kind<T> =>
  text(choices.map((choice) => `"${choice}"`).join(" or "), (raw) =>
    choices.find((choice) => choice === raw),
  );

/** Returns the kind of a length of time, in milliseconds. */
export const duration = (min: number, max: number): Kind<number> =>
  text(
    `a time such as "90s", "36h" or "3d", from ${formatDuration(min)} to ${formatDuration(max)}`,
    (raw) => {
      const milliseconds = parseDuration(raw);
      return milliseconds !== undefined && milliseconds >= min && milliseconds <= max
        ? milliseconds
        : undefined;
    },
  );

const DATE = /^\d{4}-\d\d-\d\d$/;

export const date: Kind<Instant> = text(
  'a date such as "2026-01-31" or "2026-01-31T06:00:00Z", in UTC',
  (raw) => unlessItThrows(() => parseInstant(DATE.test(raw) ? `${raw}T00:00:00Z` : raw)),
);

export const updateIds: Kind<readonly UpdateId[]> = {
  wanted: "a list of update ids",
  read: (raw) => (Array.isArray(raw) ? unlessItThrows(() => raw.map(updateId)) : undefined),
};

/** The most characters of a name or an address for people. */
const MAX_LINE = 200;

export const lineOfText: Kind<string> = text(`a line of text, of at most ${MAX_LINE} characters`, (raw) =>
  raw.trim() !== "" && raw.length <= MAX_LINE && !/\p{C}|[\u2028\u2029]/u.test(raw) ? raw : undefined,
);

export const path: Kind<string> = text("an absolute path", (raw) => (raw.startsWith("/") ? raw : undefined));

/** One feed, or several in the order in which they are asked. */
export const feeds: Kind<readonly string[]> = {
  wanted: "the address of a feed or a list of them: https, http, file, or the path of a folder",
  read: (raw) => {
    const addresses = listOf(raw)?.map(feedAddress);
    return addresses?.every((address) => address !== undefined) ? addresses : undefined;
  },
};

/** Returns a feed's address with a slash at its end, or undefined if it is not valid. A folder becomes a file URL. */
export function feedAddress(raw: string): string | undefined {
  const url = raw.startsWith("/") ? pathToFileURL(raw) : URL.canParse(raw) ? new URL(raw) : undefined;
  const plain = url && url.search + url.hash + url.username + url.password === "";
  if (!plain || !["http:", "https:", "file:"].includes(url.protocol)) return undefined;
  if (url.protocol === "file:" && url.hostname !== "") return undefined;
  return url.href.endsWith("/") ? url.href : `${url.href}/`;
}

/**
 * A proxy's address. It may contain a name and a password, which are not shown. Without a scheme it is http, as in
 * curl's variables.
 */
export const proxy: Kind<string> = {
  ...text("the http or https address of a proxy", (raw) => {
    const url = proxyUrl(raw);
    return url && ["http:", "https:"].includes(url.protocol) ? url.href : undefined;
  }),
  masked: (raw) => (typeof raw === "string" ? maskedProxy(raw) : raw),
};

/** Returns a proxy's address as people see it, without its password. */
export function maskedProxy(address: string): string {
  const url = proxyUrl(address);
  if (!url) return address.replace(/^.*@/s, "***@");
  if (url.password === "") return address;
  url.password = "***";
  return url.href;
}

function proxyUrl(raw: string): URL | undefined {
  const address = raw.includes("://") ? raw : `http://${raw}`;
  return URL.canParse(address) ? new URL(address) : undefined;
}

/**
 * Host names (each with all names that end in it), addresses and networks. A text is split at commas and blanks, as
 * no_proxy is.
 */
export const hostNames: Kind<readonly string[]> = {
  wanted: "a list of host names",
  read: (raw) =>
    listOf(raw)
      ?.flatMap((item) => item.split(/[\s,]+/))
      .map((name) => name.toLowerCase())
      .filter((name) => name !== ""),
};

/** The position of this host in every roll-out. With `normal`, each update assigns the host a bucket of its own. */
export const rolloutShare: Kind<number | "normal"> = {
  wanted: '"early", "normal" or a whole number from 0 (the first) to 100 (the last)',
  read: (raw) => {
    if (raw === "early") return 0;
    if (raw === "normal") return raw;
    return wholeNumber(0, 100).read(raw);
  },
};

function listOf(raw: Raw): readonly string[] | undefined {
  if (typeof raw === "string") return [raw];
  return Array.isArray(raw) ? (raw as readonly string[]) : undefined;
}

function unlessItThrows<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
