import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { MemoryStore } from "../../../edge/store/memory_store.ts";
import { type KeyFile, readKeyFile, type SigningKey } from "../../../publisher/keys/key_file.ts";
import { type Clock, systemClock } from "../../../shared/time.ts";
import { type InProcess, inProcess } from "../../support/edge/in_process.ts";
import { AUDIENCE, type Ceremony, PUBLISHER } from "../../support/edge/repository.ts";

/** Arguments of `init` for a feed that a served edge takes. */
export const FEED = ["--publisher", PUBLISHER, "--audience", AUDIENCE, "--no-passphrase"] as const;

/** The real edge's code over HTTP on this machine; it can be deployed anew with other keys. */
export interface ServedEdge {
  readonly url: string;
  readonly edge: () => InProcess;
  /** With the online keys of these files: what setting a secret and deploying again does. */
  deploy(names?: Partial<OnlineFiles>): Promise<void>;
  close(): Promise<void>;
}

interface OnlineFiles {
  readonly snapshot: string;
  readonly timestamp: string;
  readonly token: string;
}

/** @param dir a publisher's folder whose online keys are not encrypted. */
export async function serveEdge(dir: string, clock: Clock = systemClock): Promise<ServedEdge> {
  const store = new MemoryStore();
  const root = new Uint8Array(await readFile(join(dir, "root", "1.root.json")));
  const deployed = async (names: Partial<OnlineFiles> = {}) => {
    const key = async (name: string) => openKey(await readKeyFile(join(dir, "keys", `${name}.json`)));
    const made: Ceremony = {
      keys: {
        root: [],
        targets: [],
        snapshot: [await key(names.snapshot ?? "snapshot-1")],
        timestamp: [await key(names.timestamp ?? "timestamp-1")],
      },
      thresholds: { root: 1, targets: 1, snapshot: 1, timestamp: 1 },
      root,
      door: await key(names.token ?? "token"),
    };
    return inProcess(made, clock, { store });
  };
  let edge = await deployed();
  const server = createServer(async (request, response) => {
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk as Buffer);
    const { authorization } = request.headers;
    const answer = await edge.send(request.method ?? "GET", request.url ?? "/", {
      headers: authorization === undefined ? {} : { authorization },
      ...(body.length > 0 && { body: new Uint8Array(Buffer.concat(body)) }),
    });
    response.writeHead(answer.status, [...answer.headers].flat()).end(answer.bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}/`,
    edge: () => edge,
    deploy: async (names) => {
      edge = await deployed(names);
    },
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  };
}

export function openKey({ id, key, secret }: KeyFile): SigningKey {
  if (secret instanceof Uint8Array) return { id, key, seed: secret };
  throw new Error("encrypted");
}
