import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Decoder } from "../../shared/decode.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { encodeJson, jsonObject, parseJson } from "../../shared/json.ts";
import type { TopRole } from "../../shared/tuf/schema.ts";
import { readKeyFile, type SigningKey } from "../keys/key_file.ts";

/**
 * A publisher's folder:
 *   publisher.json          who publishes, and to which audience tokens are addressed
 *   root/<N>.root.json      every version of the root of trust
 *   keys/<role>-<n>.json    root, targets; snapshot and timestamp until they are the edge's alone
 *   keys/token.json         signs tokens for the edge's door
 *   edge.vars               the edge's secrets, as `wrangler dev` and `wrangler secret bulk` read them
 */
export interface Workspace {
  readonly dir: string;
  readonly publisher: string;
  readonly audience: string;
}

const settingsFile = (dir: string) => join(dir, "publisher.json");
export const keyFile = (dir: string, name: string): string => join(dir, "keys", `${name}.json`);
export const rootFile = (dir: string, version: number): string => join(dir, "root", `${version}.root.json`);
export const edgeVarsFile = (dir: string): string => join(dir, "edge.vars");

export async function createWorkspace({ dir, publisher, audience }: Workspace): Promise<void> {
  await mkdir(join(dir, "root"), { recursive: true, mode: 0o700 });
  const settings = encodeJson(jsonObject({ format: 1, publisher, audience }));
  try {
    await writeFile(settingsFile(dir), settings, { flag: "wx" });
  } catch (cause) {
    throw new RebootlessError("config", `${dir} is a publisher's folder already, or cannot be written`, {
      cause,
      hint: "Keys are never overwritten: choose another folder.",
    });
  }
}

export async function openWorkspace(dir: string): Promise<Workspace> {
  const bytes = await readFile(settingsFile(dir)).catch((cause: unknown) => {
    throw new RebootlessError("config", `${dir} is not a publisher's folder`, {
      cause,
      hint: "Make one with `rebootless-publish init DIR`.",
    });
  });
  const settings = new Decoder(parseJson(bytes, "publisher.json"), "publisher.json");
  settings.get("format").literal(1);
  return { dir, publisher: settings.get("publisher").string(), audience: settings.get("audience").string() };
}

/** The newest root of trust, as bytes. */
export async function newestRoot({ dir }: Workspace): Promise<Uint8Array> {
  const versions = (await readdir(join(dir, "root")))
    .map((name) => /^([1-9]\d*)\.root\.json$/.exec(name)?.[1])
    .filter((version) => version !== undefined)
    .map(Number);
  if (versions.length === 0) throw new RebootlessError("config", `${dir}/root holds no root of trust`);
  return readFile(rootFile(dir, Math.max(...versions)));
}

/** Every key of a role that lies in this folder: not all of them need to. */
export async function roleKeys({ dir }: Workspace, role: TopRole): Promise<readonly SigningKey[]> {
  const names = (await readdir(join(dir, "keys"))).filter((name) =>
    new RegExp(`^${role}-\\d+\\.json$`).test(name),
  );
  return Promise.all(names.sort().map((name) => readKeyFile(join(dir, "keys", name))));
}

export const tokenKey = ({ dir }: Workspace): Promise<SigningKey> => readKeyFile(keyFile(dir, "token"));
