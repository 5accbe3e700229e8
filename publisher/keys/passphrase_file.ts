import { fromUtf8 } from "../../shared/bytes.ts";
import { isCode, RebootlessError } from "../../shared/errors.ts";
import { readSecretDescriptor, readSecretFile } from "./owner_only.ts";

const MAX_PASSPHRASE = 1024;
/** The most bytes that one character takes in UTF-8. */
const MAX_BYTES = 4;

/**
 * Returns the number of a descriptor that the process was given, or undefined for a file. `-` means stdin, as
 * is usual, and /dev/fd/N is also what a shell puts in place of `<(command)`.
 */
export function descriptorOf(path: string): number | undefined {
  if (path === "-" || path === "/dev/stdin") return 0;
  const digits = /^\/dev\/fd\/(0|[1-9]\d{0,5})$/.exec(path)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Names the source that `--passphrase-file` gives, for messages. */
export const passphraseFileName = (path: string): string => (descriptorOf(path) === 0 ? "stdin" : path);

/**
 * Reads the passphrase from a file that only its owner can read, or from a descriptor up to the end of its
 * line. The input must be one line; only its line ending is removed. No error message contains any of it.
 *
 * @throws RebootlessError `config`, `usage`, `limit`.
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
