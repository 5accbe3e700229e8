import { join } from "node:path";
import type { Readable } from "node:stream";
import { build } from "esbuild";
import { Miniflare, Response as MiniflareResponse } from "miniflare";
import { sha256Of } from "../../../node/crypto.ts";
import type { BuildId } from "../../../shared/brand.ts";
import { type Bundle, decodeBundle } from "../../../shared/feed/bundle.ts";
import { feedPath } from "../../../shared/feed/paths.ts";
import {
  encodePublication,
  type Publication,
  publishPath,
  stagingPath,
} from "../../../shared/feed/publication.ts";
import { type Ceremony, type TokenOptions, tokenFor } from "./repository.ts";

export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly bytes: Uint8Array;
}

/** Sends a request to an edge, wherever it runs. */
export type Send = (
  method: string,
  path: string,
  init?: { readonly headers?: Readonly<Record<string, string>>; readonly body?: Uint8Array },
) => Promise<Answer>;

/** The real Worker in the real workerd, without a network. */
export interface Workerd {
  readonly send: Send;
  readonly miniflare: Miniflare;
}

export interface WorkerdOptions {
  /** The folder of the storage, which a later workerd can use again. */
  readonly state?: string;
  /** By how many milliseconds its clock is ahead. */
  readonly ahead?: number;
  /** Prints nothing of what it finds wrong with requests, for tests that send wrong ones. */
  readonly quiet?: boolean;
  /** Is called around each write to the bucket, with `before KEY` and `after KEY`; the Worker waits for it. */
  readonly onWrite?: (write: string) => Promise<void>;
}

/** The bindings of the edge in workerd, except for its secrets and variables. */
export const EDGE_WORKER = {
  cf: false,
  compatibilityDate: "2026-04-01",
  r2Buckets: ["FEED"],
  durableObjects: {
    PUBLISH_QUEUE: { className: "PublishQueue", useSQLite: true },
    TOKEN_LEDGER: { className: "TokenLedger", useSQLite: true },
    AUDIT_LOG: { className: "AuditObject", useSQLite: true },
    CATALOGUE: { className: "CatalogueObject", useSQLite: true },
  },
};

export async function startWorkerd(
  bindings: Readonly<Record<string, string>>,
  { state, ahead = 0, quiet = false, onWrite }: WorkerdOptions = {},
): Promise<Workerd> {
  const clock = `{ const now = Date.now; Date.now = () => now() + ${ahead}; }\n`;
  const entry = onWrite ? "test/support/edge/crashing_worker.mjs" : "edge/worker.ts";
  const miniflare = new Miniflare({
    ...EDGE_WORKER,
    modules: [{ type: "ESModule", path: "worker.js", contents: clock + (await bundled(entry)) }],
    bindings: { ...bindings },
    ...(quiet && {
      handleRuntimeStdio: (...streams: readonly Readable[]) => {
        for (const stream of streams) stream.resume();
      },
    }),
    ...(state !== undefined && {
      r2Persist: join(state, "r2"),
      durableObjectsPersist: join(state, "objects"),
    }),
    ...(onWrite && {
      serviceBindings: {
        WRITES: async (request: { readonly url: string }) => {
          await onWrite(decodeURIComponent(new URL(request.url).pathname.slice(1)).replace("/", " "));
          return new MiniflareResponse();
        },
      },
    }),
    outboundService: () => {
      throw new Error("the edge asked somebody outside");
    },
  });
  await miniflare.ready;
  const send: Send = async (method, path, init = {}) => {
    const response = await miniflare.dispatchFetch(`http://edge.test${path}`, {
      method,
      headers: { ...init.headers },
      ...(init.body && { body: init.body }),
    });
    return answerOf(response);
  };
  return { send, miniflare };
}

async function bundled(entry: string): Promise<string> {
  const result = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:workers"],
    logLevel: "silent",
  });
  const [file] = result.outputFiles;
  if (!file) throw new Error("esbuild made nothing");
  return file.text;
}

interface AnyResponse {
  readonly status: number;
  readonly headers: Iterable<readonly [string, string]>;
  arrayBuffer(): Promise<ArrayBuffer>;
}

export async function answerOf(response: AnyResponse): Promise<Answer> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  return { status: response.status, headers: new Map([...response.headers]), bytes };
}

export const json = (answer: Answer): Record<string, unknown> =>
  JSON.parse(new TextDecoder().decode(answer.bytes)) as Record<string, unknown>;

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly reason?: string;
  readonly version?: number;
}

export const errorOf = (answer: Answer): ErrorBody => json(answer)["error"] as ErrorBody;

/** Does what a publisher does, step by step. */
export class TestPublisher {
  readonly made: Ceremony;
  readonly send: Send;

  constructor(made: Ceremony, send: Send) {
    this.made = made;
    this.send = send;
  }

  async signedRequest(method: string, path: string, body: Uint8Array, token?: TokenOptions): Promise<Answer> {
    const bearer = await tokenFor(this.made, method, path, body, token);
    const headers = { Authorization: `Bearer ${bearer}` };
    return this.send(method, path, { headers, ...(body.length > 0 && { body }) });
  }

  async stage(artifact: Uint8Array): Promise<Answer> {
    return this.signedRequest("PUT", `/${stagingPath(sha256Of(artifact))}`, artifact);
  }

  async publish(publication: Publication, id: BuildId = publication.buildId): Promise<Answer> {
    return this.signedRequest("POST", `/${publishPath(id)}`, encodePublication(publication));
  }

  async feed(id: BuildId): Promise<Bundle> {
    return decodeBundle((await this.send("GET", `/${feedPath(id)}`)).bytes);
  }
}
