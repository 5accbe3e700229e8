import { join } from "node:path";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import type { BuildId } from "../../../shared/brand.ts";
import { sha256Of } from "../../../shared/crypto/digest.ts";
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

/** One request to an edge, wherever it runs. */
export type Send = (
  method: string,
  path: string,
  init?: { readonly headers?: Readonly<Record<string, string>>; readonly body?: Uint8Array },
) => Promise<Answer>;

/** The real Worker in the real workerd, with nothing outside of it. */
export interface Workerd {
  readonly send: Send;
  readonly miniflare: Miniflare;
}

/** @param persist a folder for what R2 and the Durable Objects keep; in memory unless given. */
export async function startWorkerd(
  bindings: Readonly<Record<string, string>>,
  persist?: string,
): Promise<Workerd> {
  const miniflare = new Miniflare({
    cf: false,
    modules: [{ type: "ESModule", path: "worker.js", contents: await bundled() }],
    compatibilityDate: "2026-04-01",
    bindings: { ...bindings },
    ...(persist !== undefined && {
      r2Persist: join(persist, "r2"),
      durableObjectsPersist: join(persist, "objects"),
    }),
    r2Buckets: ["FEED"],
    durableObjects: {
      PUBLISH_QUEUE: { className: "PublishQueue", useSQLite: true },
      TOKEN_LEDGER: { className: "TokenLedger", useSQLite: true },
      AUDIT_LOG: { className: "AuditObject", useSQLite: true },
      CATALOGUE: { className: "CatalogueObject", useSQLite: true },
    },
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

async function bundled(): Promise<string> {
  const result = await build({
    entryPoints: ["edge/worker.ts"],
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

/** What a publisher does, step by step. */
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
    return this.signedRequest("PUT", `/${stagingPath(await sha256Of(artifact))}`, artifact);
  }

  async publish(publication: Publication, id: BuildId = publication.buildId): Promise<Answer> {
    return this.signedRequest("POST", `/${publishPath(id)}`, encodePublication(publication));
  }

  async feed(id: BuildId): Promise<Bundle> {
    return decodeBundle((await this.send("GET", `/${feedPath(id)}`)).bytes);
  }
}
