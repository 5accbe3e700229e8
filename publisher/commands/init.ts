import { writeFile } from "node:fs/promises";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { formatInstant, instant } from "../../shared/time.ts";
import type { Context } from "../context.ts";
import { createWorkspace, edgeVarsFile, keyFile, rootFile, type Workspace } from "../feed/workspace.ts";
import { privateJwk, publicJwk } from "../keys/jwk.ts";
import { newKey, type SigningKey, writeKeyFile } from "../keys/key_file.ts";
import { firstRoot, ROOT_LIFE_MS } from "../keys/root.ts";

export interface InitOptions {
  readonly publisher: string;
  readonly audience: string;
  /** Of root and of targets. */
  readonly threshold: number;
  readonly keys: number;
}

/** Makes a feed's keys, its root of trust and the edge's secrets, in a new folder. Makes no request. */
export async function init({ terminal, clock }: Context, dir: string, options: InitOptions): Promise<void> {
  const { publisher, audience, threshold, keys } = options;
  if (threshold > keys)
    throw new RebootlessError("usage", `a threshold of ${threshold} needs that many keys`);
  const workspace: Workspace = { dir, publisher, audience };
  await createWorkspace(workspace);

  const root = await keysFor(dir, "root", keys);
  const targets = await keysFor(dir, "targets", keys);
  const [snapshot] = await keysFor(dir, "snapshot", 1);
  const [timestamp] = await keysFor(dir, "timestamp", 1);
  const token = await newKey();
  await writeKeyFile(keyFile(dir, "token"), token);
  if (!snapshot || !timestamp) throw new RebootlessError("io", "the online keys were not made");

  const bytes = firstRoot(
    {
      keys: { root, targets, snapshot: [snapshot], timestamp: [timestamp] },
      thresholds: { root: threshold, targets: threshold, snapshot: 1, timestamp: 1 },
    },
    clock,
  );
  await writeFile(rootFile(dir, 1), bytes, { flag: "wx" });
  await writeFile(edgeVarsFile(dir), edgeVars(workspace, bytes, { snapshot, timestamp, token }), {
    flag: "wx",
    mode: 0o600,
  });

  const fingerprint = await sha256Of(bytes);
  terminal.say(`root       ${rootFile(dir, 1)}, until ${formatInstant(instant(clock() + ROOT_LIFE_MS))}`);
  terminal.say(`sha256     ${fingerprint}`);
  terminal.say(`threshold  ${threshold} of ${keys} for root and for targets`);
  terminal.say(`edge       ${edgeVarsFile(dir)} holds the secrets of the Worker`);
  terminal.say(
    "Announce the sha256, give hosts the root file, and move the root keys apart and off this machine.",
  );
  terminal.result("init", { dir, root_sha256: fingerprint, threshold, keys });
}

async function keysFor(dir: string, role: string, count: number): Promise<readonly SigningKey[]> {
  const keys = await Promise.all(Array.from({ length: count }, newKey));
  await Promise.all(keys.map((key, i) => writeKeyFile(keyFile(dir, `${role}-${i + 1}`), key)));
  return keys;
}

/** One `NAME='value'` a line; none of the values, JSON without apostrophes, needs more quoting. */
function edgeVars(
  { publisher, audience }: Workspace,
  root: Uint8Array,
  keys: { readonly snapshot: SigningKey; readonly timestamp: SigningKey; readonly token: SigningKey },
): string {
  const vars: Readonly<Record<string, string>> = {
    TRUSTED_ROOT: Buffer.from(root).toString(),
    SNAPSHOT_KEY: JSON.stringify(privateJwk(keys.snapshot)),
    TIMESTAMP_KEY: JSON.stringify(privateJwk(keys.timestamp)),
    PUBLISHERS: JSON.stringify([{ id: publisher, key: publicJwk(keys.token) }]),
    FEED_AUDIENCE: audience,
  };
  return Object.entries(vars)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join("");
}
