import type { KernelManifest } from "../../shared/feed/manifest.ts";
import type { Context } from "../context.ts";
import type { Host } from "../this_host.ts";
import { measure } from "./measure.ts";
import { metricFamilies } from "./metrics.ts";
import { exposition } from "./prometheus.ts";

/** Returns the metrics of a host in the text format of Prometheus. */
export const metricsText = async (
  context: Context,
  version: string,
  host: Host,
  manifest: KernelManifest | undefined,
): Promise<string> => exposition(metricFamilies(await measure(context, version, host, manifest)));
