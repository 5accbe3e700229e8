import { fromUtf8 } from "../../shared/bytes.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { readSecretDescriptor, readSecretFile } from "./owner_only.ts";

const MAX_PASSPHRASE = 1024;
/** Of a character in UTF-8. */
const MAX_BYTES = 4;

/**
 * The number of a descriptor that the process was given, or undefined for a file. `-` is stdin as everywhere, and
 * /dev/fd/N is also what a shell makes of `<(command)`.
 */
export function descriptorOf(path: string): number | undefined {
  if (path === "-" || path === "/dev/stdin") return 0;
  const digits = /^\/dev\/fd\/(0|[1-9]\d{0,5})$/.exec(path)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** For messages: what `--passphrase-file` names. */
export const passphraseFileName = (path: string): string => (descriptorOf(path) === 0 ? "stdin" : path);

/**
 * The one line of a file that only its owner can read, or of what comes out of a descriptor, which is read to the end of the
 * line. Nothing but that end is taken off. Throws `config`, `usage`, `limit`; no message holds any of it.
 */
export async function readPassphraseFile(path: string): Promise<string> {
  const name = passphraseFileName(path);
  const descriptor = descriptorOf(path);
  const bytes =
    descriptor === undefined
      ? await readSecretFile(path, MAX_BYTES * MAX_PASSPHRASE)
      : await readSecretDescriptor(descriptor, name, MAX_BYTES * MAX_PASSPHRASE);
  const line = textOf(bytes)?.replace(/\r?\n$/, "");
  if (line !== undefined && line !== "" && line.length <= MAX_PASSPHRASE && !/\p{Cc}/u.test(line))
    return line;
  throw new RebootlessError("config", `${name} is not one line of text`);
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes);
  } catch (error) {
    if (isCode(error, "parse")) return undefined;
    throw error;
  }
}
