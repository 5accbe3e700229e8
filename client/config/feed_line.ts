import { parse } from "smol-toml";
import { RebootlessError } from "../../shared/errors.ts";

const LINE = /^(?:# ?)?feed *=.*$/m;

/**
 * Sets the feed in the text of a configuration file, and leaves the rest as it is. It replaces the line that sets the feed,
 * or a comment that shows how to; if there is none, it adds a line at the start.
 *
 * @throws RebootlessError `config` if the result does not have this feed, as with a list over several lines.
 */
export function withFeed(text: string, feed: string, path: string): string {
  const line = `feed = ${JSON.stringify(feed)}`;
  // A function is used because `$` has a meaning in a replacement string.
  const result = LINE.test(text) ? text.replace(LINE, () => line) : `${line}\n${text}`;
  if (feedOf(result) === feed) return result;
  throw new RebootlessError("config", `the feed cannot be set in ${path}`, {
    hint: `Add this line to the file yourself: ${line}`,
  });
}

function feedOf(text: string): unknown {
  try {
    return parse(text)["feed"];
  } catch {
    return undefined;
  }
}
