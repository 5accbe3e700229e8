import { parse } from "smol-toml";
import { RebootlessError } from "../../shared/errors.ts";

const LINE = /^(?:# ?)?feed *=.*$/m;

/**
 * A configuration with its feed set, and otherwise as it was: in the line that sets it or shows how to, else before
 * everything. Throws `config` where that does not come out as meant, as with a list over several lines.
 */
export function withFeed(text: string, feed: string, path: string): string {
  const line = `feed = ${JSON.stringify(feed)}`;
  // Through a function: in a text, `$` would mean something.
  const result = LINE.test(text) ? text.replace(LINE, () => line) : `${line}\n${text}`;
  if (feedOf(result) === feed) return result;
  throw new RebootlessError("config", `the feed cannot be set in ${path}`, {
    hint: `Write this line into it yourself: ${line}`,
  });
}

function feedOf(text: string): unknown {
  try {
    return parse(text)["feed"];
  } catch {
    return undefined;
  }
}
