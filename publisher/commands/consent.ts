import { RebootlessError } from "../../shared/errors.ts";
import { inGroups } from "../../shared/tuf/key_words.ts";
import type { PublisherContext } from "../context.ts";

/** The description, in lines, of what is about to be signed. Its digests are not grouped, so that programs can use them. */
export interface Shown {
  readonly diff: readonly string[];
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** Returns the lines for a person to read, with digests in groups so that they are easy to compare. */
export const consentLines = ({ diff, faults, warnings }: Shown): readonly string[] =>
  [
    ...diff,
    ...faults.map((fault) => `FAULT      ${fault}`),
    ...warnings.map((warning) => `WARNING    ${warning}`),
  ].map(inGroups);

/**
 * Shows what will be signed, then asks for consent, unless `--yes` was given.
 * @throws RebootlessError `not_permitted` if the answer is no, `usage` if there is no terminal to ask on.
 */
export async function requireConsent(
  { terminal, prompt }: PublisherContext,
  shown: Shown,
  yes: boolean,
  question = "Sign this?",
): Promise<void> {
  if (yes) {
    for (const line of consentLines(shown)) terminal.say(line);
    return;
  }
  if (!prompt.interactive) {
    throw new RebootlessError(
      "usage",
      "there is no terminal on which to show this and to ask for your consent",
      {
        hint: "Use --yes to sign without being asked.",
      },
    );
  }
  if (await prompt.confirm(consentLines(shown), question)) return;
  throw new RebootlessError("not_permitted", "you declined, so nothing was signed");
}

/**
 * Asks for consent only if there is a terminal to ask on. It is for commands that make, sign and publish in one go: in
 * a script, running such a command is itself the consent.
 */
export const consentOrUnattended = (context: PublisherContext, shown: Shown, yes: boolean): Promise<void> =>
  requireConsent(context, shown, yes || !context.prompt.interactive);
