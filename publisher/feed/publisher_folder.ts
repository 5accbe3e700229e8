import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { createDurably, readNamed } from "../../node/files.ts";
import { counted } from "../../shared/counted.ts";
import { Decoder } from "../../shared/decode.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { encodeJson, jsonObject, parseJson } from "../../shared/json.ts";
import { MAX_ROOT_BYTES, MAX_SMALL_VALUES } from "../../shared/limits.ts";
import type { Root, TopRole } from "../../shared/tuf/schema.ts";
import { roleOf } from "../../shared/tuf/trusted_set.ts";
import { type KeyFile, readKeyFile } from "../keys/key_file.ts";
import type { Keyring } from "../keys/keyring.ts";
import type { KeySigner } from "../keys/sign.ts";

/**
 * A publisher's folder:
 *   publisher.json          who publishes, and to which audience tokens are addressed
 *   root/<N>.root.json      every version of the root of trust
 *   keys/*.json             keys; the root of trust says which role each has
 *   keys/token.json         the key that signs tokens, by which the edge authenticates the publisher
 *   edge.vars               the edge's secrets, as `wrangler dev` and `wrangler secret bulk` read them
 */
export interface PublisherFolder {
  readonly dir: string;
  readonly publisher: string;
  readonly audience: string;
  /** The keyring that opens the keys in the folder. */
  readonly keyring: Keyring;
}

export interface LocalKey extends KeyFile {
  readonly path: string;
}

/** The largest settings file that is accepted. It holds two names and a format number. */
const MAX_SETTINGS_BYTES = 64 * 1024;

const settingsFile = (dir: string) => join(dir, "publisher.json");
export const keyFile = (dir: string, name: string): string => join(dir, "keys", `${name}.json`);
export const rootFile = (dir: string, version: number): string => join(dir, "root", `${version}.root.json`);
export const edgeVarsFile = (dir: string): string => join(dir, "edge.vars");

export async function createPublisherFolder(settings: Omit<PublisherFolder, "keyring">): Promise<void> {
  const { dir, publisher, audience } = settings;
  const bytes = encodeJson(jsonObject({ format: 1, publisher, audience }));
  try {
    await mkdir(join(dir, "root"), { recursive: true, mode: 0o700 });
    await createDurably(settingsFile(dir), bytes);
  } catch (cause) {
    throw new RebootlessError("config", `${dir} already is a publisher's folder, or cannot be written`, {
      cause,
      hint: "Keys are never overwritten: choose another folder.",
    });
  }
}

export async function openPublisherFolder(dir: string, keyring: Keyring): Promise<PublisherFolder> {
  return { ...(await readPublisherFolder(dir)), keyring };
}

/**
 * Reads a publisher's folder for callers that need no key.
 *
 * @throws RebootlessError `config` for a folder that is not a publisher's.
 */
export async function readPublisherFolder(dir: string): Promise<Omit<PublisherFolder, "keyring">> {
  const bytes = await readNamed(settingsFile(dir), MAX_SETTINGS_BYTES).catch((cause: unknown) => {
    throw new RebootlessError("config", `${dir} is not a publisher's folder`, {
      cause,
      hint: "Make one with `rebootless-publish init DIR`.",
    });
  });
  const settings = new Decoder(parseJson(bytes, "publisher.json", MAX_SMALL_VALUES), "publisher.json");
  settings.get("format").literal(1);
  const publisher = settings.get("publisher").string();
  return { dir, publisher, audience: settings.get("audience").string() };
}

/** Reads every version of the root of trust in the folder, oldest first. */
export async function ownRootChain({ dir }: Pick<PublisherFolder, "dir">): Promise<readonly Uint8Array[]> {
  const versions = await rootVersions(join(dir, "root"));
  return Promise.all(versions.map((version) => readNamed(rootFile(dir, version), MAX_ROOT_BYTES)));
}

/** Reads the newest root of trust, as bytes. */
export async function newestOwnRoot({ dir }: Pick<PublisherFolder, "dir">): Promise<Uint8Array> {
  const newest = (await rootVersions(join(dir, "root"))).at(-1);
  if (newest === undefined)
    throw new RebootlessError("config", `${dir}/root does not contain a root of trust`);
  return readNamed(rootFile(dir, newest), MAX_ROOT_BYTES);
}

/**
 * Lists the versions of root files in a folder, ascending; the list is empty if the folder does not exist.
 */
export async function rootVersions(folder: string): Promise<readonly number[]> {
  return rootVersionsAmong(await readdir(folder).catch(() => []));
}

/** Returns the versions that the names of root files contain, ascending. */
export const rootVersionsAmong = (names: readonly string[]): readonly number[] =>
  names
    .map((name) => /^([1-9]\d{0,8})\.root\.json$/.exec(name)?.[1])
    .filter((version) => version !== undefined)
    .map(Number)
    .sort((a, b) => a - b);

/** Stores a root that follows the newest. An existing file is never overwritten. */
export async function addRoot({ dir }: Pick<PublisherFolder, "dir">, version: number, bytes: Uint8Array) {
  await createDurably(rootFile(dir, version), bytes);
}

/**
 * Reads the key files of a role in this folder without decrypting them. The folder may lack some of the
 * role's keys and may hold keys of other roles.
 */
export async function localKeys({ dir }: Pick<PublisherFolder, "dir">, root: Root, role: TopRole) {
  const ids = new Set(roleOf(root, role).keyIds);
  const names = (await readdir(join(dir, "keys")).catch(() => [])).filter((name) => name.endsWith(".json"));
  const files: LocalKey[] = [];
  for (const name of names.sort()) {
    const path = join(dir, "keys", name);
    files.push({ ...(await readKeyFile(path)), path });
  }
  return files.filter(({ id }) => ids.has(id));
}

/**
 * Opens the keys of a role in this folder.
 *
 * @throws RebootlessError `config` if there are fewer than the role's threshold.
 */
export async function roleKeys(folder: PublisherFolder, root: Root, role: TopRole): Promise<KeySigner[]> {
  const files = await localKeys(folder, root, role);
  requireEnough(folder, root, role, files);
  return openKeys(folder, files);
}

/**
 * Checks that there are enough keys to meet a role's threshold.
 *
 * @throws RebootlessError `config` if there are too few.
 */
export function requireEnough(
  { dir }: Pick<PublisherFolder, "dir">,
  root: Root,
  role: TopRole,
  { length }: readonly LocalKey[],
): void {
  const { threshold } = roleOf(root, role);
  if (length >= threshold) return;
  throw new RebootlessError(
    "config",
    `${dir} has ${counted(length, `${role} key`)}, but ${threshold} must sign`,
    {
      hint: REQUEST_HINT[role],
    },
  );
}

export const openKeys = ({ keyring }: PublisherFolder, files: readonly LocalKey[]): Promise<KeySigner[]> =>
  Promise.all(files.map(({ path }) => keyring.open(path)));

const REQUEST_HINT: Readonly<Record<TopRole, string>> = {
  root: "Make a signing request for those who hold the others: `root propose`.",
  targets: "Make a signing request for those who hold the others: `push --request` or `recall --request`.",
  snapshot: "The edge holds these keys.",
  timestamp: "The edge holds these keys.",
};

export const tokenKey = ({ dir, keyring }: PublisherFolder): Promise<KeySigner> =>
  keyring.open(keyFile(dir, "token"));
