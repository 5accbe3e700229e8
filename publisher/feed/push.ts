import { setTimeout as sleep } from "node:timers/promises";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { encodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import { manifestTarget } from "../../shared/feed/paths.ts";
import { encodePublication, publishPath, ROOT_PATH, stagingPath } from "../../shared/feed/publication.ts";
import type { Update } from "../../shared/feed/update.ts";
import { type Clock, DAY, instant } from "../../shared/time.ts";
import { targetsDocument } from "../../shared/tuf/metadata.ts";
import { sign } from "../keys/sign.ts";
import { currentManifest } from "./current.ts";
import { type EdgeClient, refusal } from "./edge_client.ts";
import { roleKeys, type Workspace } from "./workspace.ts";

/** Targets are signed again at each publish; a kernel that has none for this long is one that nobody tends. */
const TARGETS_LIFE_MS = 180 * DAY;
/** With twenty publishers at one kernel the last one wins its twentieth race; this is twice that and more. */
const MAX_ATTEMPTS = 50;
const MAX_PAUSE_MS = 250;

export interface Pushed {
  readonly version: number;
  readonly updates: number;
  /** Of the manifest and the artifacts that were sent. */
  readonly bytes: number;
  readonly attempts: number;
}

export interface PushOptions {
  readonly edge: EdgeClient;
  readonly workspace: Workspace;
  readonly clock: Clock;
}

/**
 * Publishes a draft: a manifest with the updates to add or replace, and the modules they name. When somebody
 * else published in between, it is put on top of theirs and signed anew. Throws `refused`, `conflict`, `unreachable`.
 */
export async function push(
  draft: KernelManifest,
  modules: readonly Uint8Array[],
  options: PushOptions,
): Promise<Pushed> {
  const { edge } = options;
  for (const module of modules) await stage(edge, module);
  const staged = modules.reduce((sum, module) => sum + module.length, 0);
  for (let attempts = 1; attempts <= MAX_ATTEMPTS; attempts++) {
    const published = await publish(draft, options);
    if (published) return { ...published, bytes: published.bytes + staged, attempts };
    await sleep(Math.random() * MAX_PAUSE_MS);
  }
  throw new RebootlessError("conflict", `others published first, ${MAX_ATTEMPTS} times over`);
}

/** Publishes the next version of the root of trust. */
export async function pushRoot(root: Uint8Array, edge: EdgeClient): Promise<void> {
  const answer = await edge.send({ method: "POST", path: `/${ROOT_PATH}`, body: root });
  if (answer.status !== 201) throw refusal(answer, "the root");
}

async function stage(edge: EdgeClient, module: Uint8Array): Promise<void> {
  const path = `/${stagingPath(await sha256Of(module))}`;
  const answer = await edge.send({ method: "PUT", path, body: module });
  if (answer.status !== 201 && answer.status !== 200) throw refusal(answer, "a module");
}

/** One attempt; undefined when another publish came in between. */
async function publish(draft: KernelManifest, { edge, workspace, clock }: PushOptions) {
  const { buildId } = draft.kernel;
  const current = await currentManifest(edge, workspace, buildId, clock);
  const merged = merge(current.manifest, draft);
  const manifest = encodeManifest(merged);
  const file = {
    length: manifest.length,
    hashes: new Map([["sha256", await sha256Of(manifest)]] as const),
    custom: new Map([["build_id", buildId]]),
  };
  const version = current.version + 1;
  const expires = instant(clock() + TARGETS_LIFE_MS);
  const document = targetsDocument({ version, expires, targets: new Map([[manifestTarget(buildId), file]]) });
  const targets = sign(document, await roleKeys(workspace, "targets"));
  const body = encodePublication({ buildId, base: current.version, targets, manifest });
  const answer = await edge.send({ method: "POST", path: `/${publishPath(buildId)}`, body });
  if (answer.status === 201) return { version, updates: merged.updates.length, bytes: body.length };
  if (answer.status === 409) return undefined;
  throw refusal(answer, "the publication");
}

/** An update of the draft takes the place of one with its id. */
export function merge(current: KernelManifest | undefined, draft: KernelManifest): KernelManifest {
  const ids = new Set(draft.updates.map((update) => update.id));
  const kept: readonly Update[] = current?.updates.filter((update) => !ids.has(update.id)) ?? [];
  return { ...draft, updates: [...kept, ...draft.updates] };
}
