import { writeNew } from "../../node/cli/output.ts";
import { inGroups } from "../../shared/tuf/key_words.ts";
import type { PublisherContext } from "../context.ts";
import { publicJwk } from "../keys/jwk.ts";
import { atRest, encodePublicKey, readKeyFile } from "../keys/key_file.ts";

export interface KeysShowOptions {
  readonly output?: string;
}

/** Shows the public facts about a key. It needs no passphrase. */
export async function keysShow(
  { terminal }: PublisherContext,
  path: string,
  options: KeysShowOptions,
): Promise<void> {
  const file = await readKeyFile(path);
  const { id, key, role } = file;
  if (options.output !== undefined) await writeNew(options.output, encodePublicKey(file));
  const jwk = JSON.stringify(publicJwk(file));
  terminal.say(`key        ${inGroups(id)}`);
  terminal.say(`owner      ${key.owner ?? "not stated"}`);
  terminal.say(`made for   ${role ?? "any role"}`);
  terminal.say(`scheme     ${key.scheme}`);
  for (const [n, line] of key.public.trimEnd().split("\n").entries())
    terminal.say(`${(n === 0 ? "public" : "").padEnd(10)} ${line}`);
  terminal.say(`as JWK     ${jwk}`);
  terminal.say(`at rest    ${atRest(file)}`);
  terminal.result("keys show", {
    id,
    role,
    owner: key.owner,
    scheme: key.scheme,
    public: key.public,
    jwk,
    encrypted: atRest(file) === "encrypted",
    at_rest: atRest(file),
  });
}
