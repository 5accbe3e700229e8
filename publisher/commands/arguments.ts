import { type Command, InvalidArgumentError, Option } from "commander";
import { type BuildId, buildId, type UpdateId, updateId } from "../../shared/brand.ts";
import { isOwner } from "../../shared/tuf/key_owner.ts";
import { TOP_ROLES, type TopRole } from "../../shared/tuf/schema.ts";

/** Collects the values of an option that may be given several times. */
export const many = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

export function count(value: string): number {
  if (/^[1-9]\d?$/.test(value)) return Number(value);
  throw new InvalidArgumentError("Give a number from 1 to 99.");
}

export function days(value: string): number {
  if (/^\d{1,4}$/.test(value)) return Number(value);
  throw new InvalidArgumentError("Give a number of days.");
}

export function parseFeedUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol))
    throw new InvalidArgumentError("Give an http or https address.");
  return url.href.endsWith("/") ? url.href : `${url.href}/`;
}

export const manyKernels = (value: string, before: readonly BuildId[]): readonly BuildId[] => [
  ...before,
  checked(() => buildId(value)),
];

export const updateNamed = (value: string): UpdateId => checked(() => updateId(value));

function checked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
}

/** The parsed form of `ROLE=VALUE`, where the role is one that the root of trust names. */
export interface OfRole {
  readonly role: TopRole;
  readonly value: string;
}

export function ofRole(text: string, before: readonly OfRole[]): readonly OfRole[] {
  const [, name, value = ""] = /^([a-z]+)=(.+)$/s.exec(text) ?? [];
  const role = TOP_ROLES.find((known) => known === name);
  if (role) return [...before, { role, value }];
  throw new InvalidArgumentError(`Give ROLE=VALUE, where ROLE is ${TOP_ROLES.join(", ")}.`);
}

/** The parsed form of `KEYID=NAME`. */
export interface OwnerOf {
  readonly keyId: string;
  readonly owner: string;
}

export function ownerOf(text: string, before: readonly OwnerOf[]): readonly OwnerOf[] {
  const at = text.indexOf("=");
  if (at > 0) return [...before, { keyId: text.slice(0, at), owner: owner(text.slice(at + 1)) }];
  throw new InvalidArgumentError("Give KEYID=NAME.");
}

function owner(name: string): string {
  if (isOwner(name)) return name;
  throw new InvalidArgumentError(
    "Use at most 64 letters, digits, single spaces and any of , . + _ @ & ( ) / - but not only hex digits.",
  );
}

export const withOwner = (command: Command): Command =>
  command.option(
    "--owner <name>",
    "who owns the key, shown to people who compare keys: a name or an address",
    owner,
  );

const A_PASSPHRASE = "a file that only you can read, from stdin (-), or from a descriptor (/dev/fd/3)";

export const withPassphraseFile = (command: Command): Command =>
  command.option("--passphrase-file <file>", `read the passphrase from ${A_PASSPHRASE}`);

/** Adds the options of commands that sign. */
export const withKeys = (command: Command): Command =>
  withPassphraseFile(command).option(
    "--sign-command <program>",
    "run PROGRAM KEYID to sign with keys that are kept elsewhere: it gets the bytes on stdin and writes the signature to stdout",
    program,
  );

function program(value: string): string {
  if (value !== "") return value;
  throw new InvalidArgumentError("Give a program.");
}

/** Adds the options of commands that write keys. */
export const withNewPassphrase = (command: Command): Command =>
  withPassphraseFile(command).option("--no-passphrase", "store the key without encryption (not recommended)");

export const withConsent = (command: Command): Command =>
  command.option("-y, --yes", "sign without asking, for automation", false);

/** Returns the options by which a new draft describes its kernel. Each command needs its own. */
export const distribution = (): Option =>
  new Option(
    "--distribution <name>",
    'the distribution of the kernel, such as "Debian 12" (default: from its banner)',
  );
export const coverageEnds = (): Option =>
  new Option(
    "--coverage-ends <time>",
    "when there will be no more updates for this kernel: 2027-06-30T00:00:00Z",
  );
