import type { Context } from "../context.ts";
import { openHost } from "../host/host.ts";
import { measure } from "../report/measure.ts";
import { metricFamilies } from "../report/metrics.ts";
import { exposition } from "../report/prometheus.ts";
import { jsonObject } from "../../shared/json.ts";
import { lastVerified } from "../trust/poll.ts";
import { putOut } from "./output.ts";

export interface MetricsOptions {
  readonly output?: string;
}

/** Prints what a monitor wants to know of this host, in the text format of Prometheus. Makes no request. */
export async function metrics(context: Context, version: string, { output }: MetricsOptions): Promise<void> {
  const host = await openHost(context.places);
  const manifest = (await lastVerified(host))?.manifest;
  const families = metricFamilies(await measure(context, version, host, manifest));
  await putOut(context.terminal, output, exposition(families));
  context.terminal.result("metrics", {
    samples: families.flatMap(({ name, samples }) =>
      samples.map(({ labels, value }) => jsonObject({ name, labels: jsonObject(labels), value })),
    ),
  });
}
