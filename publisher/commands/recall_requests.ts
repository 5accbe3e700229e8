import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeNew } from "../../node/cli/output.ts";
import type { JsonValue } from "../../shared/json.ts";
import type { PublisherContext } from "../context.ts";
import { currentManifest } from "../feed/current.ts";
import type { KernelChange } from "../feed/kernel_change.ts";
import type { ProposalOptions } from "../feed/proposal.ts";
import { encodeRequest } from "../feed/signing_request.ts";
import { targetsRequest } from "../feed/targets_request.ts";
import { consentLines, type Shown } from "./consent.ts";

/**
 * Writes a signing request for each kernel into a folder, for others to sign, and returns the paths of the files. It
 * signs and sends nothing.
 */
export async function writeRequests(
  { terminal }: PublisherContext,
  { edge, folder }: ProposalOptions,
  changes: readonly KernelChange[],
  shown: Shown,
  output: string,
): Promise<JsonValue> {
  await mkdir(output, { recursive: true });
  const files: string[] = [];
  for (const change of changes) {
    const { buildId } = change;
    const { proposed } = await change.on(await currentManifest(edge, folder, buildId));
    const path = join(output, `${buildId}.request.json`);
    await writeNew(path, encodeRequest(await targetsRequest(folder, edge, proposed)));
    files.push(path);
  }
  for (const line of consentLines(shown)) terminal.say(line);
  terminal.say(
    `requests   ${files.length} in ${output}: each signer runs \`sign\` on each of them, then run \`push --signed\``,
  );
  return files;
}
