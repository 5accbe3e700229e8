import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { BuildPaths } from "../../publisher/kernels/kernel_paths.ts";
import { projectRoot } from "../../test/support/guest/machine.ts";
import { measured, type TreeCost } from "./measured.ts";

export const PUBLISH = join(projectRoot, "dist/rebootless-publish.cjs");

/** A list of kernels that `create --kernels` takes. */
export interface BuildList {
  readonly file: string;
  /** The folder in which their packages are kept. */
  readonly packages: string;
  readonly releases: readonly string[];
}

/** What is measured. */
export interface BenchInput {
  /** The patch, and the file that it changes. */
  readonly patch: string;
  readonly file: string;
  readonly list: BuildList;
  /** The packages of each kernel of the list, in its order. */
  readonly builds: readonly BuildPaths[];
  /** What `create` keeps. */
  readonly cache: string;
  /** A folder for all that is made. */
  readonly work: string;
}

/** Measures one run of `create` for one kernel. */
export const createFor = (
  { image, modules, headers = "", source = "" }: BuildPaths,
  patch: string,
  cache: string,
  output: string,
): Promise<TreeCost> =>
  measured(process.execPath, [
    ...[PUBLISH, "create", "--patch", patch, "--image", image, "--headers", headers, "--source", source],
    ...modules.flatMap((path) => ["--modules", path]),
    ...["--cache", cache, "-o", output],
  ]);

/** Removes what earlier runs have compiled. */
export const withoutObjects = (cache: string): Promise<void> =>
  rm(join(cache, "objects"), { recursive: true, force: true });
