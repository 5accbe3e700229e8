import { readFile } from "node:fs/promises";
import { RebootlessError } from "../../shared/errors.ts";
import { decodeManifest } from "../../shared/feed/manifest.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import { MAX_MANIFEST_BYTES } from "../../shared/limits.ts";
import type { Context } from "../context.ts";
import { edgeClient } from "../feed/edge_client.ts";
import { push as publish } from "../feed/push.ts";
import { openWorkspace } from "../feed/workspace.ts";

export interface PushOptions {
  readonly feed: string;
  readonly module: readonly string[];
}

/** Signs a draft on top of what the feed has for its kernel, and publishes it with its modules. */
export async function push(
  { terminal, clock }: Context,
  dir: string,
  draftFile: string,
  options: PushOptions,
): Promise<void> {
  const workspace = await openWorkspace(dir);
  const draft = decodeManifest(await readBounded(draftFile));
  const modules = await Promise.all(options.module.map((path) => readFile(path)));
  const edge = edgeClient(options.feed, workspace, clock);
  const start = performance.now();
  const pushed = await publish(draft, modules, { edge, workspace, clock });
  const milliseconds = Math.round(performance.now() - start);
  const { buildId, release } = draft.kernel;
  terminal.say(`published  version ${pushed.version} for ${release}, ${pushed.updates} updates`);
  terminal.say(`sent       ${pushed.bytes} bytes in ${milliseconds} ms, ${pushed.attempts} attempts`);
  terminal.say(`feed       ${new URL(feedPath(buildId), options.feed)}`);
  terminal.result("push", { build_id: buildId, ...pushed, milliseconds });
}

async function readBounded(path: string): Promise<Uint8Array> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw new RebootlessError("usage", `cannot read ${path}`, { cause });
  });
  if (bytes.length <= MAX_MANIFEST_BYTES) return bytes;
  throw new RebootlessError("limit", `${path} is too large for a draft`);
}
