import { fromUtf8 } from "../../shared/bytes.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { Prompt } from "../context.ts";
import { readSecretFile } from "./owner_only.ts";

/** Where passphrases come from. */
export interface PassphraseSource {
  /** Whether a wrong one is worth asking for again. */
  readonly repeats: boolean;
  /** @param path of the key file, for the question. @param attempt from 1. */
  passphrase(path: string, attempt: number): Promise<string>;
}

/** What a command line says of passphrases. */
export interface PassphraseOptions {
  readonly passphraseFile?: string;
  /** False for `--no-passphrase`. */
  readonly passphrase?: boolean;
}

/** Guessing costs an attacker half a second a core for each: 12 characters of a person's making outlast that. */
export const MIN_PASSPHRASE = 12;
const MAX_PASSPHRASE = 1024;

/** For opening keys: a file, or whoever sits at the terminal. Asks for nothing yet. */
export function passphraseSource({ passphraseFile }: PassphraseOptions, prompt: Prompt): PassphraseSource {
  if (passphraseFile !== undefined) {
    return { repeats: false, passphrase: () => readPassphraseFile(passphraseFile) };
  }
  return {
    repeats: true,
    async passphrase(path, attempt) {
      if (!prompt.interactive) throw noTerminal(`${path} is encrypted`, "Give --passphrase-file FILE.");
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

/** Its first and only line. */
async function readPassphraseFile(path: string): Promise<string> {
  const text = fromUtf8(await readSecretFile(path, 4 * MAX_PASSPHRASE)).replace(/\r?\n$/, "");
  if (text !== "" && text.length <= MAX_PASSPHRASE && !/\p{Cc}/u.test(text)) return text;
  throw new RebootlessError("config", `${path} is not one line of text`);
}

function requireLong(passphrase: string): string {
  if ([...passphrase].length >= MIN_PASSPHRASE) return passphrase;
  throw new RebootlessError("usage", `a passphrase has at least ${MIN_PASSPHRASE} characters`, {
    hint: "Several random words are easier to type than they are to guess.",
  });
}

const noTerminal = (message: string, hint: string): RebootlessError =>
  new RebootlessError("usage", message, { hint });
