import { type Config, readConfig, TEXT_BINDINGS, type TextBinding } from "../config.ts";
import type { RepositoryDeps } from "../publish/repository.ts";
import { r2Store } from "./r2.ts";

/** What a Durable Object and the Worker both are bound to. */
export interface EdgeEnv extends Readonly<Partial<Record<TextBinding, unknown>>> {
  readonly FEED: Parameters<typeof r2Store>[0];
}

let known: { readonly text: string; readonly config: Promise<Config> } | undefined;

/** Read once for each isolate, as keys take time to import; again should the bindings differ. Throws `config`. */
export function configOf(env: EdgeEnv): Promise<Config> {
  const text = JSON.stringify(TEXT_BINDINGS.map((name) => env[name] ?? null));
  if (known?.text !== text) known = { text, config: readConfig(env) };
  return known.config;
}

export async function repositoryDeps(env: EdgeEnv): Promise<RepositoryDeps> {
  return { ...(await configOf(env)), store: r2Store(env.FEED) };
}
