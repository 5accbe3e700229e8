import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import type { BuildId } from "../shared/brand.ts";
import { INDEX_PATH, type IndexLine } from "../shared/feed/kernel_index.ts";
import { LISTING_PAGE, type Listing } from "../shared/feed/listing.ts";
import type { MirrorDir } from "./mirror_dir.ts";

/**
 * Lists what changed in a mirror while it is served: it reads the mirror's index again whenever that was
 * replaced. Each process begins a new list, which its cursors name. Whoever asks with a cursor of another
 * process gets the whole list, and fetches nothing more because of that.
 */
export class ChangeList {
  readonly #dir: MirrorDir;
  readonly #name = randomBytes(8).toString("hex");
  /** The kernels in the order of their last changes. */
  readonly #lines = new Map<BuildId, { readonly number: number; readonly line: IndexLine }>();
  #count = 0;
  #seen = "";

  constructor(dir: MirrorDir) {
    this.#dir = dir;
  }

  async since(cursor: string | undefined): Promise<Listing> {
    await this.#look();
    const [, name, digits] = /^([0-9a-f]{16})\.(\d{1,15})$/.exec(cursor ?? "") ?? [];
    const from = name === this.#name ? Number(digits) : 0;
    const later = [...this.#lines.values()].filter(({ number }) => number > from);
    const page = later.slice(0, LISTING_PAGE);
    return {
      kernels: page.map(({ line: { buildId, release, distribution, version } }) => ({
        buildId,
        release,
        distribution,
        version,
      })),
      next: `${this.#name}.${page.at(-1)?.number ?? from}`,
      more: later.length > page.length,
    };
  }

  async #look(): Promise<void> {
    const found = await this.#dir.files.look(INDEX_PATH, (index) =>
      index.kind === "file" ? stat(index.at) : undefined,
    );
    const seen = `${found?.ino} ${found?.mtimeMs} ${found?.size}`;
    if (seen === this.#seen) return;
    const index = (await this.#dir.index()) ?? new Map<BuildId, IndexLine>();
    for (const id of this.#lines.keys()) if (!index.has(id)) this.#lines.delete(id);
    for (const [id, line] of index) {
      if (this.#lines.get(id)?.line.version === line.version) continue;
      this.#lines.delete(id);
      this.#lines.set(id, { number: ++this.#count, line });
    }
    this.#seen = seen;
  }
}
