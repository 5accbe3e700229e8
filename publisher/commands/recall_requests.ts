import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { JsonValue } from "../../shared/json.ts";
import type { Context } from "../context.ts";
import { currentManifest } from "../feed/current.ts";
import type { KernelChange } from "../feed/kernel_change.ts";
import type { ProposalOptions } from "../feed/proposal.ts";
import { encodeRequest } from "../feed/signing_request.ts";
import { targetsRequest } from "../feed/targets_request.ts";
import { type Shown, shownLines } from "./consent.ts";
import { writeNew } from "./output.ts";

/**
 * Writes a signing request for each kernel into a folder, for others to sign. Signs nothing, sends nothing. Returns the paths of
 * the files.
 */
export async function writeRequests(
  { terminal }: Context,
  { edge, workspace }: ProposalOptions,
  changes: readonly KernelChange[],
  shown: Shown,
  folder: string,
): Promise<JsonValue> {
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (const change of changes) {
    const { buildId } = change;
    const { proposed } = await change.on(await currentManifest(edge, workspace, buildId));
    const path = join(folder, `${buildId}.request.json`);
    await writeNew(path, encodeRequest(await targetsRequest(workspace, edge, proposed)));
    files.push(path);
  }
  for (const line of shownLines(shown)) terminal.say(line);
  terminal.say(
    `requests   ${files.length} in ${folder}: each signer runs \`sign\` on each; then \`push --signed\``,
  );
  return files;
}
