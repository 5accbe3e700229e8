import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import type { Hono } from "hono";
import { answerError, createApp } from "./app.ts";
import { configOf, type EdgeEnv, repositoryDeps } from "./bindings.ts";
import { PublishQueue, queueOf } from "./publish/queue.ts";
import { ledgerOf, TokenLedger } from "./publish/token_ledger.ts";

export { PublishQueue, TokenLedger };

interface Env extends EdgeEnv {
  readonly PUBLISH_QUEUE: DurableObjectNamespace<PublishQueue>;
  readonly TOKEN_LEDGER: DurableObjectNamespace<TokenLedger>;
}

// biome-ignore lint/suspicious/noConsole: the Worker's log is its console.
const report = (error: unknown): void => console.error(error);

let app: Promise<Hono> | undefined;

async function makeApp(env: Env): Promise<Hono> {
  const config = await configOf(env);
  const { store } = await repositoryDeps(env);
  return createApp({
    ...config,
    store,
    queue: queueOf(env.PUBLISH_QUEUE),
    ledger: ledgerOf(env.TOKEN_LEDGER),
    report,
  });
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    try {
      app ??= makeApp(env);
      return await (await app).fetch(request);
    } catch (error) {
      return answerError(error, report);
    }
  },
};
