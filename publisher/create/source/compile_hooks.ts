import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastLines } from "../../../node/processes.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { make } from "./kbuild.ts";
import type { Workspace } from "./workspace.ts";

/** The most bytes of a file of hooks, which are a few functions. */
export const MAX_HOOKS_BYTES = 1 << 20;
const NAME = "rebootless_hooks";

/**
 * Compiles an author's C file as kbuild compiles modules from outside of its tree.
 * @throws RebootlessError `usage` with the compiler's messages.
 */
export async function compileHooks(
  { kbuild }: Workspace,
  path: string,
  text: Uint8Array,
): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), "rebootless-hooks-"));
  try {
    await writeFile(join(folder, "Kbuild"), `obj-m := ${NAME}.o\n`);
    await writeFile(join(folder, `${NAME}.c`), text);
    const { errors } = await make(kbuild, [`M=${folder}`, `${NAME}.o`]);
    const object = await readFile(join(folder, `${NAME}.o`)).catch(() => undefined);
    if (object !== undefined) return new Uint8Array(object);
    throw new RebootlessError("usage", `${path} does not compile`, { output: lastLines(errors, 40) });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
