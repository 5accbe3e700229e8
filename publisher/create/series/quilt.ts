import { ParseError, RebootlessError } from "../../../shared/errors.ts";
import { MAX_FIXES } from "./fix.ts";

/**
 * Reads the file `series` of quilt: the names of patches in their order, one a line, with comments after a #. How many
 * parts of paths to leave out (-p) is found out when a patch is applied.
 * @throws ParseError for a reversed patch (-R), and for a name outside of the folder.
 * @throws RebootlessError `limit`.
 */
export function quiltNames(text: string): readonly string[] {
  const names: string[] = [];
  for (const line of text.split("\n")) {
    const [name, ...options] = line
      .replace(/(?:^|\s)#.*$/, "")
      .trim()
      .split(/\s+/);
    if (name === undefined || name === "") continue;
    if (options.some((option) => !/^-p(?:[01]|ab)$/.test(option)))
      throw new ParseError(`series: ${JSON.stringify(line.slice(0, 80))} has an option that is not handled`, {
        hint: "Patches are applied forwards, with -p0, -p1 or -pab.",
      });
    if (!isInside(name))
      throw new ParseError(`series: ${JSON.stringify(name.slice(0, 80))} is no path in its folder`);
    names.push(name);
    if (names.length > MAX_FIXES)
      throw new RebootlessError("limit", `the series has more than ${MAX_FIXES} patches`);
  }
  return names;
}

const isInside = (name: string): boolean =>
  name.length <= 1024 &&
  /^[\w.,+@~=-]+(?:\/[\w.,+@~=-]+)*$/.test(name) &&
  name.split("/").every((part) => part !== "." && part !== "..");
