import { homedir } from "node:os";
import { join, resolve } from "node:path";

/**
 * Returns the folder of data that can be made or fetched again: the one that is given, or the one that the XDG Base
 * Directory Specification gives to it.
 */
export const cacheFolder = (given: string | undefined, name: string): string =>
  resolve(given ?? join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "rebootless", name));
