import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";
import { compress } from "hono/compress";
import { useDigest } from "../../shared/crypto/digest.ts";
import { useEd25519 } from "../../shared/crypto/ed25519_webcrypto.ts";
import { errorLines } from "../../shared/error_lines.ts";
import { type ErrorCode, RebootlessError } from "../../shared/errors.ts";
import { HOUR, SECOND } from "../../shared/time.ts";
import { type App, type AppDeps, createApp } from "../app.ts";
import { StoredAuditLog } from "../audit/log.ts";
import { MemoryCatalogue } from "../catalogue/memory.ts";
import { readConfig } from "../config.ts";
import { roundInWords, runRound } from "../publish/round.ts";
import { recordAll } from "../publish/tend.ts";
import { nodeEd25519 } from "./ed25519.ts";
import { fileStore, sweepUnfinished } from "./files.ts";
import { storeLedger, sweepLedger } from "./ledger.ts";
import { onlyProcess } from "./only_process.ts";
import { processQueue } from "./queue.ts";

export interface ServeOptions {
  /** Folder of everything that is kept. */
  readonly data: string;
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
  /** How the feed is reached from outside, such as `https://feed.example.org`; by default as each request says. */
  readonly url?: string;
  /** What a Worker has as secrets and variables. */
  readonly bindings: Readonly<Record<string, string | undefined>>;
  readonly report: (line: string) => void;
}

/** Plain data: whoever loads this bundle has an error class of its own. */
export type Served =
  | { readonly kind: "serving"; readonly serving: Serving }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | undefined;
    };

export interface Serving {
  readonly port: number;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

const TEND_EVERY = 4 * HOUR;
/** A publisher far away sends 32 MB in this. */
const REQUEST_TIMEOUT = 300 * SECOND;
const HEADERS_TIMEOUT = 10 * SECOND;
const MAX_CONNECTIONS = 4096;

/** Runs the edge on Node: the same app over a folder. Fails with `config`, `locked` or `io`. */
export async function serve(options: ServeOptions): Promise<Served> {
  try {
    return { kind: "serving", serving: await start(options) };
  } catch (error) {
    if (!(error instanceof RebootlessError)) throw error;
    const { code, message, hint } = error;
    return { kind: "failed", code, message, hint };
  }
}

async function start(options: ServeOptions): Promise<Serving> {
  useDigest((algorithm, bytes) => createHash(algorithm).update(bytes).digest());
  useEd25519(nodeEd25519);
  const { data, report } = options;
  const config = await readConfig(options.bindings);
  await mkdir(data, { recursive: true });
  const release = await onlyProcess(data);
  await sweepUnfinished(join(data, "store"));
  const store = fileStore(join(data, "store"));
  const deps: AppDeps = {
    ...config,
    store,
    queue: processQueue({ ...config, store }),
    ledger: storeLedger(store, config.clock),
    audit: new StoredAuditLog(store, config.clock),
    catalogue: new MemoryCatalogue(),
    report: (error) => {
      for (const line of errorLines(error)) report(line);
    },
  };
  report(`${await recordAll(deps)} kernels`);
  const timer = setInterval(() => void round(deps, report), TEND_EVERY);
  void round(deps, report);
  const server = await listen(outer(createApp(deps), options.url), options);
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : options.port,
    close: async () => {
      clearInterval(timer);
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeIdleConnections();
      });
      await release();
    },
  };
}

/** What Cloudflare does before a Worker: compression, and the address that the world knows. */
function outer(app: App, url: string | undefined): Hono {
  const front = new Hono();
  const compressed = compress();
  // A part of a file is counted in the file's own bytes.
  front.use((c, next) => (c.req.raw.headers.has("Range") ? next() : compressed(c, next)));
  front.all("*", (c) => {
    if (url === undefined) return app.fetch(c.req.raw);
    const { pathname, search } = new URL(c.req.url);
    return app.fetch(new Request(new URL(pathname + search, url), c.req.raw));
  });
  return front;
}

async function round(deps: AppDeps, report: (line: string) => void): Promise<void> {
  try {
    report(roundInWords(await runRound(deps)));
    await sweepLedger(deps.store, deps.clock);
  } catch (error) {
    deps.report(error);
  }
}

async function listen(app: Hono, { host, port }: ServeOptions): Promise<Server> {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT, headersTimeout: HEADERS_TIMEOUT },
    getRequestListener(app.fetch),
  );
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      reject(new RebootlessError("io", `cannot listen at ${host} port ${port}: ${cause.message}`, { cause }));
    });
    server.listen(port, host, resolve);
  });
  return server;
}
