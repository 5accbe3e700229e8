import { requireAbsent, writeNew } from "../../node/cli/output.ts";
import { digests } from "../../node/crypto.ts";
import { readNamed } from "../../node/files.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { inGroups, named } from "../../shared/tuf/key_words.ts";
import { keyId } from "../../shared/tuf/keys.ts";
import type { PublisherContext } from "../context.ts";
import { encodePublicKey, type KeyRole, ownedBy, writeExternalKeyFile } from "../keys/key_file.ts";
import { importPublicKey } from "../keys/public_key.ts";

export interface KeysImportOptions {
  readonly output: string;
  readonly role?: KeyRole;
  readonly owner?: string;
}

/** The largest file of a public key, in bytes: enough for a JWK, or for a PEM with some text around it. */
const MAX_PUBLIC_BYTES = 16 * 1024;
/** The roles in which the edge signs by itself, so that it must hold the secrets of their keys. */
const AT_THE_EDGE: ReadonlySet<KeyRole | undefined> = new Set(["snapshot", "timestamp"]);

/**
 * Makes the key file of a key whose secret is in hardware, in an agent or with a key service. It does not use the
 * network.
 */
export async function keysImport(
  { terminal }: PublisherContext,
  path: string,
  { output, role, owner }: KeysImportOptions,
): Promise<void> {
  const key = ownedBy(importPublicKey(await readNamed(path, MAX_PUBLIC_BYTES), path), owner);
  if (AT_THE_EDGE.has(role)) {
    throw new RebootlessError(
      "usage",
      `the edge itself signs as ${role}, so it needs the secret of that key`,
      {
        hint: "Make one with `keys new`.",
      },
    );
  }
  if (role === "token" && key.scheme !== "ed25519") {
    throw new RebootlessError("usage", "the edge accepts only tokens that an Ed25519 key signed");
  }
  const publicFile = `${output}.pub`;
  await requireAbsent(output, publicFile);
  await writeExternalKeyFile(output, { key, role });
  await writeNew(publicFile, encodePublicKey({ key, role }));
  const id = await keyId(key, digests);
  terminal.say(`key        ${inGroups(named(id, key))}`);
  terminal.say(`scheme     ${key.scheme}`);
  terminal.say(`secret     kept elsewhere: give --sign-command PROGRAM to sign with ${output}`);
  terminal.say(`public     ${publicFile}`);
  terminal.result("keys import", {
    id,
    scheme: key.scheme,
    public: key.public,
    role,
    owner,
    file: output,
    public_file: publicFile,
  });
}
