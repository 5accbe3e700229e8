import { mkdir } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { cannotListen } from "../../node/cannot_listen.ts";
import { openSsl } from "../../node/crypto.ts";
import { folderLock } from "../../node/lock.ts";
import { counted } from "../../shared/counted.ts";
import { errorLines } from "../../shared/error_lines.ts";
import { type ErrorCode, RebootlessError } from "../../shared/errors.ts";
import { HOUR, SECOND } from "../../shared/time.ts";
import { type App, createApp } from "../app.ts";
import { StoredAuditLog } from "../audit/log.ts";
import { MemoryCatalogue } from "../catalogue/memory_catalogue.ts";
import { type EdgeConfig, faultsOf, readEdgeConfig } from "../config.ts";
import type { AppDeps } from "../deps.ts";
import { maintenanceSummary, runMaintenance } from "../publish/maintenance.ts";
import { recordAll } from "../publish/renew_expiring.ts";
import { fileStore, sweepUnfinished } from "./files.ts";
import { listenerOf, refuseTunnel } from "./listener.ts";
import { processQueue } from "./publish_queue.ts";
import { storeLedger, sweepLedger } from "./token_ledger.ts";

export interface EdgeServerOptions {
  /** The folder of everything that is stored. */
  readonly data: string;
  readonly host: string;
  /** The port to listen at; 0 for any free one. */
  readonly port: number;
  /** The texts that a Worker has as secrets and variables, by name. */
  readonly bindings: Readonly<Record<string, string | undefined>>;
  readonly report: (line: string) => void;
}

/**
 * The result of a start. An error is returned as plain data, because a program that loads this bundle has an
 * error class of its own.
 */
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
  /** The faults of the bindings. The feed is served, but requests that need these bindings are refused. */
  readonly warnings: readonly string[];
  /** Stops the server once requests and maintenance that are under way have ended. */
  close(): Promise<void>;
}

const MAINTENANCE_INTERVAL = 4 * HOUR;
/** The longest time for a request. It is long enough for a distant publisher to send 32 MB. */
const REQUEST_TIMEOUT = 300 * SECOND;
const HEADERS_TIMEOUT = 10 * SECOND;
const MAX_CONNECTIONS = 4096;

/** Returns all faults of bindings. The list is empty if this server and a Worker would accept all of them. */
export function checkEdgeVars(bindings: EdgeServerOptions["bindings"]): Promise<readonly string[]> {
  return faultsOf(bindings, openSsl);
}

/** Runs the edge on Node: the same app, with a folder as its store. Fails with `config`, `locked` or `io`. */
export async function serveEdge(options: EdgeServerOptions): Promise<Served> {
  try {
    return { kind: "serving", serving: await start(options) };
  } catch (error) {
    if (!(error instanceof RebootlessError)) throw error;
    const { code, message, hint } = error;
    return { kind: "failed", code, message, hint };
  }
}

async function start(options: EdgeServerOptions): Promise<Serving> {
  const { data } = options;
  const config = await readEdgeConfig(options.bindings, openSsl);
  await mkdir(data, { recursive: true });
  const lock = folderLock(data, { waitMs: 0, hint: "Stop it, or serve another folder." });
  await lock.take();
  try {
    return await serveAlone(options, config, lock.release);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Starts the server. All failures come before the timer runs. @param release unlocks the folder. */
async function serveAlone(
  options: EdgeServerOptions,
  config: EdgeConfig,
  release: () => void,
): Promise<Serving> {
  const { data, report } = options;
  await sweepUnfinished(join(data, "store"));
  const store = fileStore(join(data, "store"));
  const deps: AppDeps = {
    ...config,
    store,
    queue: processQueue({ ...config, store }),
    ledger: storeLedger(store, config.clock),
    audit: new StoredAuditLog(store, config.clock, config.digests),
    catalogue: new MemoryCatalogue(),
    report: (error) => {
      for (const line of errorLines(error)) report(line);
    },
  };
  report(`${counted(await recordAll(deps), "kernel")}`);
  const server = await listen(createApp(deps), options);
  let maintenance = maintain(deps, report);
  const timer = setInterval(() => {
    maintenance = maintenance.then(() => maintain(deps, report));
  }, MAINTENANCE_INTERVAL);
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : options.port,
    warnings: await faultsOf(options.bindings, openSsl),
    close: async () => {
      clearInterval(timer);
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeIdleConnections();
      });
      await maintenance;
      release();
    },
  };
}

async function maintain(deps: AppDeps, report: (line: string) => void): Promise<void> {
  try {
    report(maintenanceSummary(await runMaintenance(deps)));
    await sweepLedger(deps.store, deps.clock);
  } catch (error) {
    deps.report(error);
  }
}

async function listen(app: App, { host, port }: EdgeServerOptions): Promise<Server> {
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
