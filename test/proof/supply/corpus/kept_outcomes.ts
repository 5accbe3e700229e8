import { createHash } from "node:crypto";
import { appendFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { codeDigest } from "./code_digest.ts";
import type { CorpusFix } from "./find/corpus_fix.ts";
import type { FixOutcome } from "./fix_outcome.ts";

interface Line {
  readonly key: string;
  readonly cve: string;
  readonly path: string;
  readonly outcome: FixOutcome;
}

/** Outcomes of earlier runs with the same code, so that a run goes on where another one ended. */
export class KeptOutcomes {
  readonly #file: string;
  readonly #code: string;
  readonly #known: Map<string, FixOutcome>;

  private constructor(file: string, code: string, known: Map<string, FixOutcome>) {
    this.#file = file;
    this.#code = code;
    this.#known = known;
  }

  /** @param folder in which the file of outcomes is. A line that was cut off in the writing does not count. */
  static async open(folder: string): Promise<KeptOutcomes> {
    await mkdir(folder, { recursive: true });
    const file = join(folder, "corpus.jsonl");
    const text = await readFile(file, "utf8").catch(() => "");
    const lines = text.split("\n").filter((line) => line.endsWith("}}"));
    const known = new Map(
      lines.map((line) => {
        const { key, outcome } = JSON.parse(line) as Line;
        return [key, outcome];
      }),
    );
    return new KeptOutcomes(file, await codeDigest(CODE, (path) => path.startsWith("series/")), known);
  }

  get(kernel: string, fix: CorpusFix): FixOutcome | undefined {
    return this.#known.get(this.#key(kernel, fix));
  }

  async add(kernel: string, fix: CorpusFix, outcome: FixOutcome): Promise<void> {
    const key = this.#key(kernel, fix);
    this.#known.set(key, outcome);
    const line: Line = { key, cve: fix.cve, path: fix.path, outcome };
    await appendFile(this.#file, `\n${JSON.stringify(line)}\n`);
  }

  #key(kernel: string, { patch }: CorpusFix): string {
    return createHash("sha256")
      .update(JSON.stringify([this.#code, kernel, patch]))
      .digest("hex");
  }
}

/** What makes updates, and what tries them. The series of fixes is no part of it. */
const CODE = [
  "publisher/create",
  "publisher/try",
  "publisher/kernel_files",
  "shared/elf",
  "test/proof/create/guest",
];
