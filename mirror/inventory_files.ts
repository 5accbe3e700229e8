import { readNamed } from "../node/files.ts";
import { RebootlessError } from "../shared/errors.ts";
import { type Inventory, MAX_LINE, parseInventory } from "../shared/inventory.ts";

const MAX_FILE = 256 * 1024 * 1024;
/** The largest number of inventories. It is several times the number of hosts of a large site. */
const MAX_INVENTORIES = 100_000;

/**
 * Reads inventories of many hosts, one a line, in any number of files. Empty lines and lines that begin with
 * `#` are skipped.
 */
export async function readInventories(files: readonly string[]): Promise<readonly Inventory[]> {
  const inventories: Inventory[] = [];
  for (const file of files) {
    const lines = Buffer.from(await readNamed(file, MAX_FILE))
      .toString("latin1")
      .split("\n");
    for (const [i, line] of lines.entries()) {
      if (line.trim() === "" || line.startsWith("#")) continue;
      inventories.push(parsed(line, `${file}:${i + 1}`));
      if (inventories.length > MAX_INVENTORIES) {
        throw new RebootlessError("limit", `more than ${MAX_INVENTORIES} inventories`);
      }
    }
  }
  return inventories;
}

function parsed(line: string, where: string): Inventory {
  try {
    return parseInventory(line.slice(0, MAX_LINE + 1));
  } catch (cause) {
    throw new RebootlessError("usage", `${where} is not an inventory`, {
      cause,
      hint: "`rebootless inventory` prints one on a host. Ask for that line again.",
    });
  }
}
