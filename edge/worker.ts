import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import { errorLines } from "../shared/error_lines.ts";
import { type App, answerError, createApp } from "./app.ts";
import { AuditObject, auditOf } from "./cloudflare/audit_log.ts";
import { configOf, type EdgeEnv, repositoryDeps } from "./cloudflare/bindings.ts";
import { CatalogueObject, catalogueOf } from "./cloudflare/catalogue.ts";
import { PublishQueue, queueOf } from "./cloudflare/publish_queue.ts";
import { ledgerOf, TokenLedger } from "./cloudflare/token_ledger.ts";
import type { AppDeps } from "./deps.ts";
import { forPeople } from "./http/people.tsx";
import { roundInWords, runRound } from "./publish/round.ts";

export { AuditObject, CatalogueObject, PublishQueue, TokenLedger };

interface Env extends EdgeEnv {
  readonly PUBLISH_QUEUE: DurableObjectNamespace<PublishQueue>;
  readonly TOKEN_LEDGER: DurableObjectNamespace<TokenLedger>;
  readonly AUDIT_LOG: DurableObjectNamespace<AuditObject>;
  readonly CATALOGUE: DurableObjectNamespace<CatalogueObject>;
}

// biome-ignore lint/suspicious/noConsole: the Worker's log is its console.
const report = (error: unknown): void => console.error(errorLines(error).join("\n"));

let app: Promise<App> | undefined;

async function depsOf(env: Env): Promise<AppDeps> {
  return {
    ...(await repositoryDeps(env)),
    ...(await configOf(env)),
    queue: queueOf(env.PUBLISH_QUEUE),
    ledger: ledgerOf(env.TOKEN_LEDGER),
    audit: auditOf(env.AUDIT_LOG),
    catalogue: catalogueOf(env.CATALOGUE),
    report,
  };
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    try {
      app ??= depsOf(env).then(createApp);
      return await (await app).fetch(request);
    } catch (error) {
      return forPeople(request, answerError(error, report));
    }
  },

  async scheduled(_: unknown, env: Env): Promise<void> {
    const round = await runRound(await depsOf(env));
    // biome-ignore lint/suspicious/noConsole: the Worker's log is its console.
    console.log(roundInWords(round));
  },
};
