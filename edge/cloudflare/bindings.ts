import { webCrypto } from "../../shared/crypto/web_crypto.ts";
import { type EdgeConfig, readEdgeConfig, TEXT_BINDINGS, type TextBinding } from "../config.ts";
import type { RepositoryDeps } from "../publish/repository.ts";
import { r2Store } from "./r2.ts";

/** The bindings that the Worker and the Durable Objects share. */
export interface EdgeEnv extends Readonly<Partial<Record<TextBinding, unknown>>> {
  readonly FEED: Parameters<typeof r2Store>[0];
}

let known: { readonly text: string; readonly config: Promise<EdgeConfig> } | undefined;

/**
 * Reads the configuration once for each isolate, because importing keys takes time, and again if the bindings
 * differ.
 *
 * @throws RebootlessError `config`.
 */
export function configOf(env: EdgeEnv): Promise<EdgeConfig> {
  const text = JSON.stringify(TEXT_BINDINGS.map((name) => env[name] ?? null));
  if (known?.text !== text) known = { text, config: readEdgeConfig(env, webCrypto()) };
  return known.config;
}

export async function repositoryDeps(env: EdgeEnv): Promise<RepositoryDeps> {
  return { ...(await configOf(env)), store: r2Store(env.FEED) };
}
