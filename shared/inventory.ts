import { type BuildId, buildId, type ObjectName, objectName, type UpdateId, updateId } from "./brand.ts";
import { toHex, utf8 } from "./bytes.ts";
import { crc32 } from "./compression/crc.ts";
import { counted } from "./counted.ts";
import { ParseError } from "./errors.ts";

/**
 * The facts that have to leave a site so that the right updates can be sent back. They include no name,
 * address or identity of a host.
 */
export interface Inventory {
  readonly buildId: BuildId;
  /** The release, as `uname -r` prints it. */
  readonly release: string;
  readonly modules: readonly ObjectName[];
  readonly applied: readonly UpdateId[];
}

const MARK = "rebootless-1";
/** The longest line. A kernel has a few hundred modules loaded, with names of some ten letters. */
export const MAX_LINE = 64 * 1024;
const RELEASE = /^[\x21-\x7e]{1,64}$/;

/**
 * Writes one line in ASCII, `rebootless-1 BUILD-ID RELEASE modules=a,b updates=x,y CRC32`, with one space
 * between words. The last word is the CRC-32 (as in gzip, eight hex digits) of everything before its space,
 * so that a typing error in a line that was copied from a screen is found.
 */
export function formatInventory({ buildId: id, release, modules, applied }: Inventory): string {
  const text = [MARK, id, release, `modules=${modules.join(",")}`, `updates=${applied.join(",")}`].join(" ");
  return `${text} ${checksum(text)}`;
}

/** Reads a line that `formatInventory` wrote. @throws ParseError */
export function parseInventory(line: string): Inventory {
  if (line.length > MAX_LINE) throw new ParseError(`an inventory of ${counted(line.length, "character")}`);
  const [mark, id = "", release = "", modules = "", updates = "", sum, ...more] = line.trim().split(/\s+/);
  if (mark !== MARK) throw new ParseError(`not an inventory: ${JSON.stringify(line.slice(0, 40))}`);
  if (sum === undefined || more.length > 0)
    throw new ParseError("an inventory with too few or too many words");
  const text = [mark, id, release, modules, updates].join(" ");
  if (checksum(text) !== sum.toLowerCase()) {
    throw new ParseError("an inventory with a slip in it: its checksum does not match");
  }
  if (!RELEASE.test(release)) throw new ParseError("an inventory without a release");
  return {
    buildId: buildId(id),
    release,
    modules: list(modules, "modules=").map(objectName),
    applied: list(updates, "updates=").map(updateId),
  };
}

function list(word: string, name: string): readonly string[] {
  if (!word.startsWith(name)) throw new ParseError(`an inventory without ${name}`);
  return word.slice(name.length).split(",").filter(Boolean);
}

function checksum(text: string): string {
  const crc = crc32();
  crc.update(utf8(text));
  return toHex(crc.value().reverse());
}
