import { RebootlessError } from "../../shared/errors.ts";
import { serverOrigin } from "../../shared/http/origin.ts";
import type { PublisherContext } from "../context.ts";
import { edgeProgram } from "../feed/edge_program.ts";
import { readEdgeVars } from "../feed/edge_vars.ts";

export interface ServeCommandOptions {
  readonly data: string;
  readonly vars: string;
  readonly host: string;
  readonly port: string;
  readonly url?: string;
}

/** Serves a feed from a folder until SIGINT or SIGTERM tells it to stop. */
export async function serveFeed(
  { terminal, warn }: PublisherContext,
  options: ServeCommandOptions,
): Promise<void> {
  const bindings = await readEdgeVars(options.vars);
  const { data, host, url } = options;
  const edge = await edgeProgram();
  const served = await edge.serveEdge({
    data,
    host,
    port: portOf(options.port),
    bindings: { ...bindings, ...(url !== undefined && { FEED_URL: publicUrl(url) }) },
    report: terminal.progress,
  });
  if (served.kind === "failed") {
    const { code, message, hint } = served;
    throw new RebootlessError(code, message, hint === undefined ? {} : { hint });
  }
  const { serving } = served;
  for (const warning of serving.warnings) warn(`${options.vars}: ${warning}`);
  const local = `http://${host.includes(":") ? `[${host}]` : host}:${serving.port}/`;
  terminal.say(`serving ${data} at ${local}`);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  await serving.close();
  terminal.result("serve", { data, port: serving.port });
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 65_536;
  if (port <= 65_535) return port;
  throw new RebootlessError("usage", `not a port: ${text}`);
}

function publicUrl(text: string): string {
  const origin = serverOrigin(text);
  if (origin !== undefined) return origin;
  throw new RebootlessError("usage", `not the address of a server: ${text}`, {
    hint: "Write it as https://feed.example.org, without a path.",
  });
}
