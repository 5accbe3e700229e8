import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { sha256Of } from "../../node/crypto.ts";
import { readNamed } from "../../node/files.ts";
import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { KernelFacts } from "../../shared/feed/kernel.ts";
import { decodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import type { Update } from "../../shared/feed/update.ts";
import { MAX_ARTIFACT_BYTES, MAX_MANIFEST_BYTES } from "../../shared/limits.ts";
import { TRIED_SUFFIX } from "../try/tried_file.ts";
import type { LocalArtifacts } from "./artifact_sender.ts";
import type { DraftSource } from "./draft_change.ts";

/** The most files that are read, five times the number of kernels that all distributions have together. */
const MAX_FILES = 100_000;

/** A draft whose file was read once, and is read again when it is processed. */
export interface DraftFile extends DraftSource {
  readonly path: string;
  readonly kernel: KernelFacts;
  readonly updates: readonly Pick<Update, "id" | "summary" | "recalled">[];
}

/**
 * Reads drafts from files, and from the `.json` files of folders, where what `try` wrote is passed over. All are checked before any is pushed, and
 * each must be for a different kernel.
 *
 * @throws RebootlessError `usage`, `parse`, `limit`.
 */
export async function readDraftFiles(paths: readonly string[]): Promise<readonly DraftFile[]> {
  const files: DraftFile[] = [];
  const byKernel = new Map<BuildId, string>();
  for (const path of await filesOf(paths, ".json")) {
    const file = await readDraftFile(path);
    const other = byKernel.get(file.buildId);
    if (other !== undefined) {
      throw new RebootlessError("usage", `${other} and ${path} are for the same kernel`, {
        hint: "Push one after the other, or combine them in one draft.",
      });
    }
    byKernel.set(file.buildId, path);
    files.push(file);
  }
  return files;
}

async function readDraftFile(path: string): Promise<DraftFile> {
  const bytes = () => readNamed(path, MAX_MANIFEST_BYTES);
  const first = await bytes();
  const { kernel, updates } = decodeDraft(first, path);
  const said = updates.map(({ id, summary, recalled }) => ({ id, summary, recalled }));
  const read = async () => decodeManifest(await bytes());
  return { path, kernel, buildId: kernel.buildId, size: first.length, updates: said, read };
}

/** Decodes a draft. Because people edit drafts, errors name the file. @throws RebootlessError `parse`. */
export function decodeDraft(bytes: Uint8Array, path: string): KernelManifest {
  try {
    return decodeManifest(bytes);
  } catch (cause) {
    if (!(cause instanceof RebootlessError)) throw cause;
    throw new RebootlessError(cause.code, `${path} is not a draft: ${cause.message}`, {
      cause,
      hint: "docs/formats.md describes drafts, and `rebootless-publish draft` makes one.",
    });
  }
}

/**
 * Computes the digests of modules: of files, and of the `.ko` files of folders.
 *
 * @throws RebootlessError `usage`, `limit`.
 */
export async function readModuleFiles(paths: readonly string[]): Promise<LocalArtifacts> {
  const artifacts = new Map<Sha256Hex, () => Promise<Uint8Array>>();
  for (const path of await filesOf(paths, ".ko")) {
    const read = () => readNamed(path, MAX_ARTIFACT_BYTES);
    artifacts.set(sha256Of(await read()), read);
  }
  return artifacts;
}

/**
 * Lists files, and the files of folders.
 *
 * @param suffix the ending of the files that are taken from folders. Files named directly may have any name.
 */
async function filesOf(paths: readonly string[], suffix: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const path of paths) {
    const found = (await isFolder(path)) ? await filesBelow(path, suffix) : [path];
    if (files.length + found.length > MAX_FILES) {
      throw new RebootlessError("limit", `more than ${MAX_FILES} files`, { hint: "Push them in parts." });
    }
    for (const file of found) files.push(file);
  }
  return files;
}

async function filesBelow(folder: string, suffix: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true });
  const files = names.filter((name) => name.endsWith(suffix) && !name.endsWith(TRIED_SUFFIX)).sort();
  if (files.length === 0) throw new RebootlessError("usage", `${folder} has no ${suffix} file`);
  return files.map((name) => join(folder, name));
}

export const isFolder = async (path: string): Promise<boolean> => {
  const found = await stat(path).catch((cause: unknown) => {
    throw new RebootlessError("usage", `cannot read ${path}`, { cause });
  });
  return found.isDirectory();
};
