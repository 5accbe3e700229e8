import { createHash } from "node:crypto";
import { putOut } from "../../node/cli/output.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { vexDocument, vexStatements } from "../../shared/feed/vex.ts";
import { encodeJson, type JsonObject } from "../../shared/json.ts";
import { printableJson } from "../../shared/printable.ts";
import type { Context } from "../context.ts";
import { kernelPackage } from "../host/kernel_package.ts";
import { viewHost } from "../report/host_view.ts";
import { openHost } from "../this_host.ts";
import { lastVerified } from "../trust/stored_feed.ts";

export interface VexOptions {
  readonly product: readonly string[];
  readonly output?: string;
}

/** States in OpenVEX which of the CVEs that the feed has fixes for affect the running kernel. Makes no request. */
export async function vex(context: Context, version: string, options: VexOptions): Promise<void> {
  const { places, clock, terminal, system } = context;
  const stranger = options.product.find((purl) => !/^pkg:[a-z]/.test(purl));
  if (stranger !== undefined)
    throw new RebootlessError("usage", `not a package URL: ${stranger.slice(0, 200)}`);
  const host = await openHost(places);
  const manifest = (await lastVerified(host))?.manifest;
  if (!manifest) {
    throw new RebootlessError("unreachable", "nothing has been verified for this kernel yet", {
      hint: "Run `rebootless check`.",
    });
  }
  const { inForce } = await viewHost(context, host, manifest);
  const { kernel, updates } = manifest;
  const own = await kernelPackage(system, host.kernel);
  const products = [...new Set([...(own === undefined ? [] : [own]), ...options.product])];
  const statements = vexStatements({ kernel, updates, applied: inForce, products });
  if (statements.length === 0) {
    throw new RebootlessError(
      "not_covered",
      "no update for this kernel names a CVE, so there is nothing to state",
    );
  }
  const timestamp = clock();
  const heading = { author: host.config.vexAuthor, tooling: `rebootless ${version}`, timestamp, version: 1 };
  const document = vexDocument({ ...heading, id: idOf(statements, timestamp) }, statements);
  await putOut(terminal, options.output, printableJson(document));
  terminal.result("vex", { document });
}

/** Makes a UUID (RFC 9562, version 8) of the statements and the time, so that the same document has the same id. */
function idOf(statements: readonly JsonObject[], timestamp: number): string {
  const hex = createHash("sha256")
    .update(encodeJson([timestamp, ...statements]))
    .digest("hex");
  const variant = ((Number.parseInt(hex[16] ?? "", 16) & 3) | 8).toString(16);
  const groups = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20, 32),
  ];
  return `urn:uuid:${groups.join("-")}`;
}
