import { utf8 } from "../../shared/bytes.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { PublisherContext } from "../context.ts";
import { privateJwk } from "../keys/jwk.ts";
import { openKeyFile, readKeyFile } from "../keys/key_file.ts";
import { writeSecretFile } from "../keys/owner_only.ts";
import { type PassphraseOptions, passphraseSource } from "../keys/passphrase.ts";
import { warnOpen } from "./keys_new.ts";

export interface KeysExportOptions extends PassphraseOptions {
  readonly output: string;
}

/**
 * Writes the secret of an online key in the form that the edge takes. It is not encrypted, so it goes to a file that only
 * its owner can read, never to the terminal.
 */
export async function keysExport(
  context: PublisherContext,
  path: string,
  options: KeysExportOptions,
): Promise<void> {
  const { terminal, prompt } = context;
  const file = await readKeyFile(path);
  if (file.role === "root" || file.role === "targets") {
    throw new RebootlessError("usage", `${path} was made for ${file.role}, so the edge must not have it`);
  }
  const key = await openKeyFile(file, path, passphraseSource(options, prompt));
  await writeSecretFile(options.output, utf8(JSON.stringify(privateJwk(key))));
  warnOpen(context);
  terminal.say(`secret     ${options.output}: give it to the edge, then delete it`);
  terminal.result("keys export", { id: key.id, file: options.output });
}
