import { RebootlessError } from "../../shared/errors.ts";
import type { Prompt } from "../context.ts";
import { readPassphraseFile } from "./passphrase_file.ts";

/** A source of passphrases. */
export interface PassphraseSource {
  /** True if it makes sense to ask again after a wrong passphrase. */
  readonly repeats: boolean;
  /**
   * Returns the passphrase of a key file.
   *
   * @param path the path of the key file, for the question.
   * @param attempt the number of the attempt, from 1.
   */
  passphrase(path: string, attempt: number): Promise<string>;
}

/** The options of a command line that concern passphrases. */
export interface PassphraseOptions {
  /** The path of a file, `-` for stdin, or a descriptor such as /dev/fd/N. */
  readonly passphraseFile?: string;
  /** False for `--no-passphrase`. */
  readonly passphrase?: boolean;
}

/**
 * The fewest characters of a new passphrase. Each guess costs an attacker half a second of one core, which 12
 * characters chosen by a person withstand.
 */
export const MIN_PASSPHRASE = 12;

/**
 * Makes the source of passphrases for opening keys: a file, which is read once and whose passphrase is used
 * for all keys, or the person at the terminal. Nothing is read or asked for yet.
 */
export function passphraseSource({ passphraseFile }: PassphraseOptions, prompt: Prompt): PassphraseSource {
  if (passphraseFile !== undefined) {
    let line: Promise<string> | undefined;
    return {
      repeats: false,
      passphrase: () => {
        line ??= readPassphraseFile(passphraseFile);
        return line;
      },
    };
  }
  return {
    repeats: true,
    async passphrase(path, attempt) {
      if (!prompt.interactive)
        throw noTerminal(`${path} is encrypted`, "Give --passphrase-file FILE, or - for stdin.");
      const again = attempt > 1 ? "That passphrase is wrong. " : "";
      return prompt.secret(`${again}Passphrase of ${path}: `);
    },
  };
}

/**
 * Returns the passphrase for new keys; undefined if they are to be stored unencrypted, which happens only
 * with `--no-passphrase`.
 */
export async function newPassphrase(
  { passphraseFile, passphrase }: PassphraseOptions,
  prompt: Prompt,
): Promise<string | undefined> {
  if (passphrase === false) {
    if (passphraseFile === undefined) return undefined;
    throw new RebootlessError("usage", "--passphrase-file and --no-passphrase exclude each other");
  }
  if (passphraseFile !== undefined) return requireLong(await readPassphraseFile(passphraseFile));
  if (!prompt.interactive) {
    const hint = "Give --passphrase-file FILE, or --no-passphrase to store keys without encryption.";
    throw noTerminal("there is no terminal on which to ask for a passphrase", hint);
  }
  const first = requireLong(await prompt.secret("New passphrase: "));
  if ((await prompt.secret("Repeat it: ")) === first) return first;
  throw new RebootlessError("usage", "the two passphrases differ");
}

function requireLong(passphrase: string): string {
  if ([...passphrase].length >= MIN_PASSPHRASE) return passphrase;
  throw new RebootlessError("usage", `a passphrase has at least ${MIN_PASSPHRASE} characters`, {
    hint: "Several random words are easy to type and hard to guess.",
  });
}

const noTerminal = (message: string, hint: string): RebootlessError =>
  new RebootlessError("usage", message, { hint });
