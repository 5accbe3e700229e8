import { readNamed } from "../../node/files.ts";
import { fromUtf8, utf8 } from "../../shared/bytes.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { privateJwk, publicJwk } from "../keys/jwk.ts";
import type { SigningKey } from "../keys/key_file.ts";
import { writeSecretFile } from "../keys/owner_only.ts";
import { edgeVarsFile, type PublisherFolder } from "./publisher_folder.ts";

/** The largest file of bindings that is accepted: keys, the root and the list of publishers. */
const MAX_VARS_BYTES = 1024 * 1024;

export interface EdgeKeys {
  readonly snapshot: SigningKey;
  readonly timestamp: SigningKey;
  /** The token key, of which the edge needs only the public part. */
  readonly token: Pick<SigningKey, "key">;
}

/**
 * Writes the edge's secrets unencrypted, as `wrangler` reads them: one `NAME='value'` a line. No value needs
 * more quoting, because all are JSON without apostrophes.
 *
 * @param root the contents of 1.root.json.
 */
export async function writeEdgeVars(
  { dir, publisher, audience }: Omit<PublisherFolder, "keyring">,
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

/**
 * Reads the bindings from such a file, by name.
 *
 * @throws RebootlessError `config` with the number of a line that is not a binding.
 */
export async function readEdgeVars(file: string): Promise<Readonly<Record<string, string>>> {
  const vars = new Map<string, string>();
  const lines = fromUtf8(await readNamed(file, MAX_VARS_BYTES)).split("\n");
  for (const [i, line] of lines.entries()) {
    if (line.trim() === "" || line.startsWith("#")) continue;
    const fail = (what: string): never => {
      throw new RebootlessError("config", `${file}: line ${i + 1} ${what}`);
    };
    const [, name, value] = /^([A-Z][A-Z0-9_]*)='([^']*)'$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return fail("is not NAME='value'");
    if (vars.has(name)) fail(`states ${name} a second time`);
    vars.set(name, value);
  }
  return Object.fromEntries(vars);
}
