import { resolve } from "node:path";
import { readNamed } from "../../node/files.ts";
import { fromUtf8 } from "../../shared/bytes.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { type Inventory, parseInventory } from "../../shared/inventory.ts";
import type { PublisherContext } from "../context.ts";
import { ARCHIVE_NAME, readKernelsFile, withArchive, writeKernelsFile } from "../kernels/kernels_file.ts";
import type { ArchivePlace, KernelArchive } from "../kernels/served_kernel.ts";
import type { KernelsFileOptions } from "./kernels_options.ts";

export interface KernelsAddOptions extends KernelsFileOptions {
  readonly suite: readonly string[];
  readonly folder?: string;
  readonly inventory?: string;
  readonly release: readonly string[];
  readonly flavour: readonly string[];
}

const MAX_INVENTORY_BYTES = 64 << 20;

/** Adds an archive to the list. Nothing is looked for yet. */
export async function kernelsAdd(
  { terminal }: PublisherContext,
  name: string,
  options: KernelsAddOptions,
): Promise<void> {
  if (!ARCHIVE_NAME.test(name))
    throw new RebootlessError(
      "usage",
      `${JSON.stringify(name)} is no name of an archive (a-z, 0-9, . and -)`,
    );
  const file = await readKernelsFile(options.file);
  if (file.archives.some((archive) => archive.name === name))
    throw new RebootlessError("usage", `${options.file} has an archive ${name} already`, {
      hint: "Choose another name, change the file, or remove it first: kernels remove.",
    });
  const archive: KernelArchive = {
    name,
    place: placeOf(options),
    releases: [...options.release, ...(await releasesIn(options.inventory))],
    flavours: options.flavour,
    except: [],
  };
  const { head, archives, kernels } = file;
  await writeKernelsFile(options.file, {
    head: withArchive(head, archive),
    archives: [...archives, archive],
    kernels,
  });
  terminal.say(`${options.file} has the archive ${name} now. Its kernels are looked for by: kernels sync`);
  terminal.result("kernels add", { file: options.file, archive: name, releases: archive.releases });
}

function placeOf({ suite, folder }: KernelsAddOptions): ArchivePlace {
  if (folder === undefined) return { kind: "apt", suites: suite };
  if (suite.length > 0) throw new RebootlessError("usage", "--suite and --folder exclude each other");
  return { kind: "folder", path: resolve(folder) };
}

/** Returns the releases of hosts, each once. */
async function releasesIn(path: string | undefined): Promise<readonly string[]> {
  if (path === undefined) return [];
  const lines = fromUtf8(await readNamed(path, MAX_INVENTORY_BYTES)).split("\n");
  const filled = lines.map((line) => line.trim()).filter((line) => line !== "");
  if (filled.length === 0) throw new RebootlessError("usage", `${path} has no line of an inventory`);
  const releases = new Set(filled.map((line, at) => inventoryAt(line, `line ${at + 1} of ${path}`).release));
  return [...releases].sort();
}

function inventoryAt(line: string, where: string): Inventory {
  try {
    return parseInventory(line);
  } catch (cause) {
    throw new RebootlessError("usage", `${where} is not what rebootless inventory prints`, {
      cause,
      hint: "Give the lines of hosts as they are, one for each host.",
    });
  }
}
