import { setTimeout as sleep } from "node:timers/promises";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { encodeManifest, type KernelManifest } from "../../shared/feed/manifest.ts";
import {
  encodePublication,
  type Publication,
  publishPath,
  ROOT_PATH,
  stagingPath,
} from "../../shared/feed/publication.ts";
import type { Update } from "../../shared/feed/update.ts";
import type { JsonObject } from "../../shared/json.ts";
import { type Clock, DAY, type Instant, instant } from "../../shared/time.ts";
import { envelope } from "../../shared/tuf/metadata.ts";
import { readRoot } from "../keys/root.ts";
import { sign } from "../keys/sign.ts";
import { type Current, currentManifest, currentVersion } from "./current.ts";
import { type EdgeClient, refusal } from "./edge_client.ts";
import { targetsFile } from "./targets_file.ts";
import { newestRoot, roleKeys, type Workspace } from "./workspace.ts";

/** Targets are signed again at each publish; a kernel that has none for this long is one that nobody tends. */
export const TARGETS_LIFE_MS = 180 * DAY;
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
  /** When targets expire; the customary life when nothing is said. */
  readonly expires?: Instant | undefined;
  /** Keeps nothing of what is in force. */
  readonly replace?: boolean;
  /** Asked before every signature; throws to prevent it. */
  readonly consent?: ((proposed: Proposed) => Promise<void>) | undefined;
}

/** What is to be signed and published, and what it builds on. */
export interface Proposed {
  readonly current: Current;
  readonly merged: KernelManifest;
  readonly manifest: Uint8Array;
  readonly document: JsonObject;
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
  const staged = await stageAll(edge, modules);
  for (let attempts = 1; attempts <= MAX_ATTEMPTS; attempts++) {
    const published = await publish(draft, options);
    if (published) return { ...published, bytes: published.bytes + staged, attempts };
    await sleep(Math.random() * MAX_PAUSE_MS);
  }
  throw new RebootlessError("conflict", `others published first, ${MAX_ATTEMPTS} times over`);
}

/** Puts a draft on top of what is in force, ready to be signed. */
export async function propose(
  draft: KernelManifest,
  { edge, workspace, clock, expires, replace }: PushOptions,
): Promise<Proposed> {
  const { buildId } = draft.kernel;
  const current = replace
    ? await currentVersion(edge, buildId)
    : await currentManifest(edge, workspace, buildId);
  const merged = merge(current.manifest, draft);
  const manifest = encodeManifest(merged);
  const document = await targetsFile({
    buildId,
    version: current.version + 1,
    expires: expires ?? instant(clock() + TARGETS_LIFE_MS),
    manifest,
  });
  return { current, merged, manifest, document };
}

/** The file of a document that nobody has signed yet. */
export const unsigned = (document: JsonObject): Uint8Array => envelope(document, []);

/** Sends what is signed. False when another publish came in between. Throws `refused`, `unreachable`. */
export async function send(edge: EdgeClient, publication: Publication): Promise<number | undefined> {
  const body = encodePublication(publication);
  const answer = await edge.send({ method: "POST", path: `/${publishPath(publication.buildId)}`, body });
  if (answer.status === 201) return body.length;
  if (answer.status === 409) return undefined;
  throw refusal(answer, "the publication");
}

/** Publishes the next version of the root of trust. */
export async function pushRoot(root: Uint8Array, edge: EdgeClient): Promise<void> {
  const answer = await edge.send({ method: "POST", path: `/${ROOT_PATH}`, body: root });
  if (answer.status !== 201) throw refusal(answer, "the root");
}

/** Sends modules ahead of the publication that names them. Returns their bytes. */
export async function stageAll(edge: EdgeClient, modules: readonly Uint8Array[]): Promise<number> {
  for (const module of modules) {
    const path = `/${stagingPath(await sha256Of(module))}`;
    const answer = await edge.send({ method: "PUT", path, body: module });
    if (answer.status !== 201 && answer.status !== 200) throw refusal(answer, "a module");
  }
  return modules.reduce((sum, module) => sum + module.length, 0);
}

/** One attempt; undefined when another publish came in between. */
async function publish(draft: KernelManifest, options: PushOptions) {
  const { edge, workspace } = options;
  const proposed = await propose(draft, options);
  const { current, merged, manifest, document } = proposed;
  const root = current.root ?? (await readRoot(await newestRoot(workspace)));
  await options.consent?.(proposed);
  const targets = sign(document, await roleKeys(workspace, root, "targets"));
  const { buildId } = draft.kernel;
  const bytes = await send(edge, { buildId, base: current.version, targets, manifest });
  return bytes === undefined
    ? undefined
    : { version: current.version + 1, updates: merged.updates.length, bytes };
}

/** An update of the draft takes the place of one with its id; what a draft does not say of the kernel stays as it was. */
export function merge(current: KernelManifest | undefined, draft: KernelManifest): KernelManifest {
  const ids = new Set(draft.updates.map((update) => update.id));
  const kept: readonly Update[] = current?.updates.filter((update) => !ids.has(update.id)) ?? [];
  return {
    ...draft,
    kernel: { ...current?.kernel, ...draft.kernel },
    ...(current?.fingerprints && { fingerprints: current.fingerprints }),
    ...(draft.fingerprints && { fingerprints: draft.fingerprints }),
    updates: [...kept, ...draft.updates],
  };
}
