import { utf8 } from "../../shared/bytes.ts";
import { privateJwk, publicJwk } from "../keys/jwk.ts";
import type { SigningKey } from "../keys/key_file.ts";
import { writeSecretFile } from "../keys/owner_only.ts";
import { edgeVarsFile, type Workspace } from "./workspace.ts";

export interface EdgeKeys {
  readonly snapshot: SigningKey;
  readonly timestamp: SigningKey;
  readonly token: SigningKey;
}

/**
 * Writes the edge's secrets, open as `wrangler` reads them: one `NAME='value'` a line; none of the values, JSON
 * without apostrophes, needs more quoting.
 *
 * @param root bytes of 1.root.json.
 */
export async function writeEdgeVars(
  { dir, publisher, audience }: Omit<Workspace, "keyring">,
  root: Uint8Array,
  keys: EdgeKeys,
): Promise<void> {
  const vars: Readonly<Record<string, string>> = {
    TRUSTED_ROOT: Buffer.from(root).toString(),
    SNAPSHOT_KEY: JSON.stringify(privateJwk(keys.snapshot)),
    TIMESTAMP_KEY: JSON.stringify(privateJwk(keys.timestamp)),
    PUBLISHERS: JSON.stringify([{ id: publisher, key: publicJwk(keys.token) }]),
    FEED_AUDIENCE: audience,
  };
  const lines = Object.entries(vars).map(([name, value]) => `${name}='${value}'\n`);
  await writeSecretFile(edgeVarsFile(dir), utf8(lines.join("")));
}
