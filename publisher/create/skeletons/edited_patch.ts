import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RebootlessError } from "../../../shared/errors.ts";
import { runBuildTool } from "../source/build_tools.ts";
import type { EditedFile } from "./skeleton.ts";

/**
 * Writes edited files as a unified diff, as Latin-1.
 * @throws RebootlessError `unsupported` for text that is not UTF-8, which diff(1) is read as.
 */
export async function patchText(files: readonly EditedFile[]): Promise<string> {
  const work = await mkdtemp(join(tmpdir(), "rebootless-skeleton-"));
  try {
    const parts: string[] = [];
    for (const { path, before, after } of files) {
      const [old, now] = [join(work, "old"), join(work, "now")];
      await writeFile(old, before, "latin1");
      await writeFile(now, after, "latin1");
      const labels = ["--label", `a/${path}`, "--label", `b/${path}`];
      parts.push((await runBuildTool("diff", ["-a", "-u", ...labels, old, now])).stdout);
    }
    const text = parts.join("");
    if (text.includes("\ufffd"))
      throw new RebootlessError("unsupported", "a file that is to be changed is not UTF-8");
    return Buffer.from(text).toString("latin1");
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
