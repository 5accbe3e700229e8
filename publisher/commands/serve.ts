import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { fromUtf8 } from "../../shared/bytes.ts";
import { type ErrorCode, RebootlessError } from "../../shared/errors.ts";
import type { Context } from "../context.ts";
import { readBounded } from "../feed/read_bounded.ts";

export interface ServeOptions {
  readonly data: string;
  readonly vars: string;
  readonly host: string;
  readonly port: string;
  readonly url?: string;
}

/** Keys, the root and the list of publishers. */
const MAX_VARS_BYTES = 1024 * 1024;
/** The edge on Node, built beside this program: the publisher's own code and the edge's know nothing of each other. */
const EDGE = "rebootless-edge.cjs";

interface Edge {
  serve(options: {
    readonly data: string;
    readonly host: string;
    readonly port: number;
    readonly url?: string;
    readonly bindings: Readonly<Record<string, string>>;
    readonly report: (line: string) => void;
  }): Promise<Served>;
}

type Served =
  | { readonly kind: "serving"; readonly serving: { readonly port: number; close(): Promise<void> } }
  | {
      readonly kind: "failed";
      readonly code: ErrorCode;
      readonly message: string;
      readonly hint: string | undefined;
    };

/** Serves a feed from a folder until it is told to stop. */
export async function serve({ terminal }: Context, options: ServeOptions): Promise<void> {
  const bindings = parseVars(fromUtf8(await readBounded(options.vars, MAX_VARS_BYTES)), options.vars);
  const { data, host } = options;
  const url = options.url === undefined ? undefined : publicUrl(options.url);
  const edge = await loadEdge();
  const served = await edge.serve({
    data,
    host,
    port: portOf(options.port),
    ...(url !== undefined && { url }),
    bindings,
    report: terminal.progress,
  });
  if (served.kind === "failed") {
    const { code, message, hint } = served;
    throw new RebootlessError(code, message, hint === undefined ? {} : { hint });
  }
  const { serving } = served;
  const local = `http://${host.includes(":") ? `[${host}]` : host}:${serving.port}/`;
  terminal.say(`serving ${data} at ${local}`);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  await serving.close();
  terminal.result("serve", { data, port: serving.port });
}

async function loadEdge(): Promise<Edge> {
  const file = join(dirname(process.argv[1] ?? ""), EDGE);
  try {
    const module = (await import(pathToFileURL(file).href)) as { readonly default: Edge };
    return module.default;
  } catch (cause) {
    throw new RebootlessError("unsupported", `cannot load ${file}`, {
      cause,
      hint: `Build with \`npm run build\`, and keep ${EDGE} beside this program.`,
    });
  }
}

/** `NAME='value'` a line, as `rebootless-publish init` writes it. */
function parseVars(text: string, where: string): Readonly<Record<string, string>> {
  const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return Object.fromEntries(
    lines.map((line, i) => {
      const [, name, value] = /^([A-Z][A-Z0-9_]*)='([^']*)'$/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) return [name, value] as const;
      throw new RebootlessError("config", `${where}: line ${i + 1} is not NAME='value'`);
    }),
  );
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 65_536;
  if (port <= 65_535) return port;
  throw new RebootlessError("usage", `not a port: ${text}`);
}

function publicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url && url.pathname === "/" && url.search + url.hash + url.username + url.password === "";
  if (plain && ["http:", "https:"].includes(url.protocol)) return url.origin;
  throw new RebootlessError("usage", `not the address of a server: ${text}`, {
    hint: "Such as https://feed.example.org, without a path.",
  });
}
