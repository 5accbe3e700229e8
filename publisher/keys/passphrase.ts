import { RebootlessError } from "../../shared/errors.ts";
import type { Prompt } from "../context.ts";
import { readPassphraseFile } from "./passphrase_file.ts";

/** Where passphrases come from. */
export interface PassphraseSource {
  /** Whether a wrong one is worth asking for again. */
  readonly repeats: boolean;
  /** @param path of the key file, for the question. @param attempt from 1. */
  passphrase(path: string, attempt: number): Promise<string>;
}

/** What a command line says of passphrases. */
export interface PassphraseOptions {
  /** A file, `-` for stdin, or a descriptor: /dev/fd/N. */
  readonly passphraseFile?: string;
  /** False for `--no-passphrase`. */
  readonly passphrase?: boolean;
}

/** Guessing costs an attacker half a second a core for each: 12 characters of a person's making outlast that. */
export const MIN_PASSPHRASE = 12;

/**
 * For opening keys: a file, which is read once and opens all of them, or whoever sits at the terminal. Asks for nothing
 * yet.
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
      const again = attempt > 1 ? "That was not it. " : "";
      return prompt.secret(`${again}Passphrase of ${path}: `);
    },
  };
}

/** For making keys; undefined when the keys are to lie open, which somebody has to have asked for by name. */
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
    const hint = "Give --passphrase-file FILE, or --no-passphrase for keys that lie open on the disk.";
    throw noTerminal("there is no terminal to ask for a passphrase on", hint);
  }
  const first = requireLong(await prompt.secret("New passphrase: "));
  if ((await prompt.secret("Once more: ")) === first) return first;
  throw new RebootlessError("usage", "the two passphrases differ");
}

function requireLong(passphrase: string): string {
  if ([...passphrase].length >= MIN_PASSPHRASE) return passphrase;
  throw new RebootlessError("usage", `a passphrase has at least ${MIN_PASSPHRASE} characters`, {
    hint: "Several random words are easier to type than they are to guess.",
  });
}

const noTerminal = (message: string, hint: string): RebootlessError =>
  new RebootlessError("usage", message, { hint });
