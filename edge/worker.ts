import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import { errorLines } from "../shared/error_lines.ts";
import { type App, answerError, createApp } from "./app.ts";
import { AuditObject, auditLogOf } from "./cloudflare/audit_log.ts";
import { configOf, type EdgeEnv, repositoryDeps } from "./cloudflare/bindings.ts";
import { CatalogueObject, catalogueOf } from "./cloudflare/catalogue.ts";
import { PublishQueue, publishQueueOf } from "./cloudflare/publish_queue.ts";
import { TokenLedgerObject, tokenLedgerOf } from "./cloudflare/token_ledger.ts";
import type { AppDeps } from "./deps.ts";
import { problemAsPage } from "./http/problem_page.tsx";
import { maintenanceSummary, runMaintenance } from "./publish/maintenance.ts";

// wrangler.toml binds the Durable Objects by these names; those that were deployed stay.
export { AuditObject, CatalogueObject, PublishQueue, TokenLedgerObject as TokenLedger };

interface Env extends EdgeEnv {
  readonly PUBLISH_QUEUE: DurableObjectNamespace<PublishQueue>;
  readonly TOKEN_LEDGER: DurableObjectNamespace<TokenLedgerObject>;
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
    queue: publishQueueOf(env.PUBLISH_QUEUE),
    ledger: tokenLedgerOf(env.TOKEN_LEDGER),
    audit: auditLogOf(env.AUDIT_LOG),
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
      return problemAsPage(request, answerError(error, report));
    }
  },

  async scheduled(_: unknown, env: Env): Promise<void> {
    const run = await runMaintenance(await depsOf(env));
    // biome-ignore lint/suspicious/noConsole: the Worker's log is its console.
    console.log(maintenanceSummary(run));
  },
};
