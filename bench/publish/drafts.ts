import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256Of } from "../../node/crypto.ts";
import { buildId } from "../../shared/brand.ts";
import type { Update } from "../../shared/feed/update.ts";
import { manifestBytes, updateOf } from "../../test/support/edge/repository.ts";

export interface Drafts {
  readonly folder: string;
  readonly modules: string;
}

/** How many kernels share a module, as builds do that do not differ in anything that the module uses. */
const KERNELS_TO_A_MODULE = 100;
const MODULE_BYTES = 100_000;

/** Makes a folder with drafts of one update, one for each kernel, and the modules that they name. */
export async function writeDrafts(work: string, id: string, kernels: number): Promise<Drafts> {
  const folder = join(work, id);
  const modules = join(folder, "modules");
  await mkdir(modules, { recursive: true });
  let update: Update | undefined;
  for (let n = 0; n < kernels; n++) {
    if (n % KERNELS_TO_A_MODULE === 0 || !update) {
      const module = new Uint8Array(MODULE_BYTES).fill(n % 251);
      module.set(new TextEncoder().encode(`\u007fELF ${id} ${n}`));
      update = await updateOf(id, module);
      await writeFile(join(modules, `${n}.ko`), module);
    }
    const kernel = buildId(sha256Of(new TextEncoder().encode(`kernel ${n}`)).slice(0, 40));
    await writeFile(join(folder, `${kernel}.json`), manifestBytes(kernel, [update]));
  }
  return { folder, modules };
}
