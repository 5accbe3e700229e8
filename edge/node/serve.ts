import { mkdir } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { cannotListen } from "../../node/cannot_listen.ts";
import { digest, ed25519, ed25519Secret } from "../../node/crypto.ts";
import { counted } from "../../shared/counted.ts";
import { useDigest } from "../../shared/crypto/digest.ts";
import { useEd25519 } from "../../shared/crypto/ed25519_webcrypto.ts";
import { errorLines } from "../../shared/error_lines.ts";
import { type ErrorCode, RebootlessError } from "../../shared/errors.ts";
import { HOUR, SECOND } from "../../shared/time.ts";
import { type App, createApp } from "../app.ts";
import { StoredAuditLog } from "../audit/log.ts";
import { MemoryCatalogue } from "../catalogue/memory.ts";
import { type Config, faultsOf, readConfig } from "../config.ts";
import type { AppDeps } from "../deps.ts";
import { roundInWords, runRound } from "../publish/round.ts";
import { recordAll } from "../publish/tend.ts";
import { fileStore, sweepUnfinished } from "./files.ts";
import { storeLedger, sweepLedger } from "./ledger.ts";
import { listenerOf, refuseTunnel } from "./listener.ts";
import { onlyProcess } from "./only_process.ts";
import { processQueue } from "./queue.ts";

export interface ServeOptions {
  /** Folder of everything that is kept. */
  readonly data: string;
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
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
  /** What is wrong with the bindings: the feed is served, and what needs them is not done. */
  readonly warnings: readonly string[];
  /** Waits for what is under way. */
  close(): Promise<void>;
}

const TEND_EVERY = 4 * HOUR;
/** A publisher far away sends 32 MB in this. */
const REQUEST_TIMEOUT = 300 * SECOND;
const HEADERS_TIMEOUT = 10 * SECOND;
const MAX_CONNECTIONS = 4096;

/** Everything that is wrong with bindings, in words; nothing where `serve` and a Worker would take all of them. */
export function checkVars(bindings: ServeOptions["bindings"]): Promise<readonly string[]> {
  useNodeCrypto();
  return faultsOf(bindings);
}

function useNodeCrypto(): void {
  useDigest(digest);
  useEd25519({
    verifier: (publicKey) => (message, signature) => ed25519(publicKey, message, signature),
    signer: ({ d }) => ed25519Secret(Buffer.from(d, "base64url")).sign,
  });
}

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
  useNodeCrypto();
  const { data } = options;
  const config = await readConfig(options.bindings);
  await mkdir(data, { recursive: true });
  const release = await onlyProcess(data);
  try {
    return await serveAlone(options, config, release);
  } catch (error) {
    await release();
    throw error;
  }
}

/** Whatever fails here fails before anything runs by itself. @param release lets the folder go. */
async function serveAlone(
  options: ServeOptions,
  config: Config,
  release: () => Promise<void>,
): Promise<Serving> {
  const { data, report } = options;
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
  report(`${counted(await recordAll(deps), "kernel")}`);
  const server = await listen(createApp(deps), options);
  let rounds = round(deps, report);
  const timer = setInterval(() => {
    rounds = rounds.then(() => round(deps, report));
  }, TEND_EVERY);
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : options.port,
    warnings: await faultsOf(options.bindings),
    close: async () => {
      clearInterval(timer);
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeIdleConnections();
      });
      await rounds;
      await release();
    },
  };
}

async function round(deps: AppDeps, report: (line: string) => void): Promise<void> {
  try {
    report(roundInWords(await runRound(deps)));
    await sweepLedger(deps.store, deps.clock);
  } catch (error) {
    deps.report(error);
  }
}

async function listen(app: App, { host, port }: ServeOptions): Promise<Server> {
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT, headersTimeout: HEADERS_TIMEOUT },
    listenerOf(app),
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on("connect", refuseTunnel);
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => reject(cannotListen(host, port, cause)));
    server.listen(port, host, resolve);
  });
  return server;
}
