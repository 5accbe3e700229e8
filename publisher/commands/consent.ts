import { RebootlessError } from "../../shared/errors.ts";
import { inGroups } from "../../shared/tuf/key_words.ts";
import type { PublisherContext } from "../context.ts";

/** What somebody is about to sign, in lines. Digests are plain in them, as programs get them. */
export interface Shown {
  readonly diff: readonly string[];
  readonly faults: readonly string[];
  readonly warnings: readonly string[];
}

/** For people: with digests to be compared. */
export const consentLines = ({ diff, faults, warnings }: Shown): readonly string[] =>
  [
    ...diff,
    ...faults.map((fault) => `FAULT      ${fault}`),
    ...warnings.map((warning) => `WARNING    ${warning}`),
  ].map(inGroups);

/**
 * Shows what will be signed, then asks; `--yes` answers beforehand. Throws `not_permitted` for a no, and `usage` where
 * there is nobody to ask.
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
    throw new RebootlessError("usage", "there is no terminal to show this on and to ask for your consent", {
      hint: "--yes signs without asking.",
    });
  }
  if (await prompt.confirm(consentLines(shown), question)) return;
  throw new RebootlessError("not_permitted", "you said no: nothing was signed");
}

/**
 * For commands that one person gives to make, sign and publish at once: giving it is consent where nobody sits at a
 * terminal, and who does is still asked.
 */
export const consentOrUnattended = (context: PublisherContext, shown: Shown, yes: boolean): Promise<void> =>
  requireConsent(context, shown, yes || !context.prompt.interactive);
