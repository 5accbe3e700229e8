import { putOut } from "../../node/cli/output.ts";
import type { Context } from "../context.ts";
import { metricsText } from "../report/metrics_text.ts";
import { openHost } from "../this_host.ts";
import { lastVerified } from "../trust/stored_feed.ts";

export interface MetricsOptions {
  readonly output?: string;
}

/** Prints the metrics of this host in the text format of Prometheus. Makes no request. */
export async function metrics(context: Context, version: string, { output }: MetricsOptions): Promise<void> {
  const host = await openHost(context.places);
  const manifest = (await lastVerified(host))?.manifest;
  const text = await metricsText(context, version, host, manifest);
  await putOut(context.terminal, output, text);
  context.terminal.result("metrics", { text });
}
