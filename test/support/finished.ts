import { createHash } from "node:crypto";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { projectRoot } from "./guest/machine.ts";

/** A line of the file: what was proven, by which code, and what came out. */
interface Line {
  readonly code: string;
  readonly name: string;
  readonly result: unknown;
}

/**
 * What an earlier run of the same code has proven, so that a run that was stopped goes on where it was. Only what came out
 * right is kept.
 */
export class Finished {
  readonly #file: string;
  readonly #code: string;
  readonly #results: ReadonlyMap<string, unknown>;

  /**
   * @param code a digest of the code that is proven.
   * @param anew true to forget all earlier results.
   */
  constructor(file: string, code: string, anew: boolean) {
    this.#file = file;
    this.#code = code;
    mkdirSync(dirname(file), { recursive: true });
    if (anew) rmSync(file, { force: true });
    const own = linesOf(file).filter((line) => line.code === code);
    this.#results = new Map(own.map(({ name, result }) => [name, result]));
  }

  /** Whether an earlier run has the result of a part of the proof. */
  has(name: string): boolean {
    return this.#results.has(name);
  }

  /** Returns the earlier result of a part of the proof, or does it. `isRight` says whether a new result is kept. */
  async resultOf<T>(name: string, prove: () => Promise<T>, isRight: (result: T) => boolean): Promise<T> {
    const earlier = this.#results.get(name);
    if (earlier !== undefined) return earlier as T;
    const result = await prove();
    if (isRight(result))
      appendFileSync(this.#file, `${JSON.stringify({ code: this.#code, name, result } satisfies Line)}\n`);
    return result;
  }
}

/** Returns a digest of the TypeScript files in some folders of the project: the code that a proof is about. */
export function sourcesDigest(folders: readonly string[]): string {
  const hash = createHash("sha256");
  for (const folder of folders) {
    const names = readdirSync(join(projectRoot, folder), { recursive: true, encoding: "utf8" });
    for (const name of names.filter((each) => each.endsWith(".ts")).sort())
      hash.update(`${folder}/${name}\n`).update(readFileSync(join(projectRoot, folder, name)));
  }
  return hash.digest("hex");
}

/** Reads the lines. The last one is cut off if a run was killed while it wrote. */
function linesOf(file: string): readonly Line[] {
  try {
    return readFileSync(file, "utf8")
      .split("\n")
      .flatMap((line) => parsed(line));
  } catch {
    return [];
  }
}

function parsed(line: string): readonly Line[] {
  try {
    return [JSON.parse(line) as Line];
  } catch {
    return [];
  }
}
