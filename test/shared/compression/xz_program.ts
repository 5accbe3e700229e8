import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const MAX_OUTPUT = 1 << 26;

/** Packs data with the program. */
export function xz(data: Uint8Array, ...options: readonly string[]): Uint8Array {
  const { stdout, stderr, status } = spawnSync("xz", ["-c", ...options], {
    input: data,
    maxBuffer: MAX_OUTPUT,
  });
  if (status !== 0) throw new Error(`xz: ${stderr}`);
  return new Uint8Array(stdout);
}

/** Asks the program about many files at once: which of them does it refuse, and why? */
export function refusedByProgram(
  files: readonly Uint8Array[],
  format: "xz" | "lzma" = "xz",
): ReadonlyMap<number, string> {
  const folder = mkdtempSync(join(tmpdir(), "rebootless-xz-"));
  try {
    const paths = files.map((bytes, i) => {
      const path = join(folder, `${i}.${format}`);
      writeFileSync(path, bytes);
      return path;
    });
    const { stderr } = spawnSync("xz", ["--test", "--no-warn", `--format=${format}`, ...paths], {
      maxBuffer: MAX_OUTPUT,
    });
    const refused = new Map<number, string>();
    for (const [, number, reason = ""] of stderr.toString().matchAll(/\/(\d+)\.\w+: (.*)$/gm))
      refused.set(Number(number), reason);
    return refused;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the program says of the filters of a file's first block: `--lzma2=dict=64MiB`. */
export function filtersByProgram(file: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "rebootless-xz-"));
  try {
    const path = join(folder, "file.xz");
    writeFileSync(path, file);
    const { stdout } = spawnSync("xz", ["--list", "-vv", "--robot", path]);
    const block = stdout
      .toString()
      .split("\n")
      .find((line) => line.startsWith("block\t"));
    return block?.split("\t").at(-1) ?? "";
  } finally {
    rmSync(folder, { recursive: true });
  }
}
