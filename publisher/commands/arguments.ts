import { type Command, InvalidArgumentError } from "commander";
import { type BuildId, buildId, type UpdateId, updateId } from "../../shared/brand.ts";
import { TOP_ROLES, type TopRole } from "../../shared/tuf/schema.ts";

/** For an option that may be given several times. */
export const many = (value: string, before: readonly string[]): readonly string[] => [...before, value];

export function count(value: string): number {
  if (/^[1-9]\d?$/.test(value)) return Number(value);
  throw new InvalidArgumentError("A number from 1 to 99.");
}

export function days(value: string): number {
  if (/^\d{1,4}$/.test(value)) return Number(value);
  throw new InvalidArgumentError("A number of days.");
}

export function feedAddress(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (!url || !["http:", "https:"].includes(url.protocol))
    throw new InvalidArgumentError("An http or https address.");
  return url.href.endsWith("/") ? url.href : `${url.href}/`;
}

export const kernels = (value: string, before: readonly BuildId[]): readonly BuildId[] => [
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

/** `ROLE=VALUE`, where the role is one of the root of trust's. */
export interface OfRole {
  readonly role: TopRole;
  readonly value: string;
}

export function ofRole(text: string, before: readonly OfRole[]): readonly OfRole[] {
  const [, name, value = ""] = /^([a-z]+)=(.+)$/s.exec(text) ?? [];
  const role = TOP_ROLES.find((known) => known === name);
  if (role) return [...before, { role, value }];
  throw new InvalidArgumentError(`ROLE=VALUE, with a role of ${TOP_ROLES.join(", ")}.`);
}

const A_PASSPHRASE = "a file that only you can read, - for stdin, or a descriptor: /dev/fd/3";

export const withPassphraseFile = (command: Command): Command =>
  command.option("--passphrase-file <file>", `read the passphrase from ${A_PASSPHRASE}`);

/** For commands that sign. */
export const withKeys = (command: Command): Command =>
  withPassphraseFile(command).option(
    "--sign-command <program>",
    "run PROGRAM KEYID to sign with keys that are kept elsewhere: bytes on stdin, signature on stdout",
    program,
  );

function program(value: string): string {
  if (value !== "") return value;
  throw new InvalidArgumentError("A program.");
}

/** For commands that write keys. */
export const withNewPassphrase = (command: Command): Command =>
  withPassphraseFile(command).option(
    "--no-passphrase",
    "leave the key open on the disk (a choice to regret)",
  );

export const withConsent = (command: Command): Command =>
  command.option("-y, --yes", "sign without being asked: for automation", false);
