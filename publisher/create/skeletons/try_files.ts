import { objectOf } from "../source/affected.ts";
import { makeObjects } from "../source/compile.ts";
import type { Workspace } from "../source/workspace.ts";
import type { EditedFile } from "./skeleton.ts";

/** The files that compile as they were edited, and what the compiler first says of each other one. */
export interface TriedFiles {
  readonly compiled: readonly EditedFile[];
  readonly failed: readonly { readonly path: string; readonly message: string }[];
}

/** Compiles edited .c files in the workspace, beside other edited files. Nothing of it stays. */
export async function tryFiles(
  workspace: Workspace,
  files: readonly EditedFile[],
  others: readonly EditedFile[] = [],
): Promise<TriedFiles> {
  const changes = [...others, ...files].map(({ path, before, after }) => ({
    path,
    before,
    after,
    numbered: after,
  }));
  const made = await workspace.patched(changes, () =>
    makeObjects(
      workspace,
      files.map(({ path }) => objectOf(path)),
    ),
  );
  const compiled: EditedFile[] = [];
  const failed: { path: string; message: string }[] = [];
  for (const file of files) {
    const outcome = made.kind === "done" ? made.value.get(objectOf(file.path)) : undefined;
    if (outcome?.kind === "compiled") compiled.push(file);
    else failed.push({ path: file.path, message: firstError(outcome?.output ?? []) });
  }
  return { compiled, failed };
}

/** Returns the compiler's first error, without the place. */
export const firstError = (output: readonly string[]): string =>
  /\berror: (.*)$/.exec(output.find((line) => /\berror: /.test(line)) ?? "")?.[1] ?? "it does not compile";
