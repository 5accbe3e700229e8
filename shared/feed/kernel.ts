import type { Decoder } from "../decode.ts";
import { type JsonObject, jsonObject } from "../json.ts";
import { decodeKernel, type KernelIdentity, kernelToJson } from "../kernel_identity.ts";
import { formatInstant, type Instant, parseInstant } from "../time.ts";

/** What a publisher says of a kernel besides, so that people find it. */
export interface KernelFacts extends KernelIdentity {
  /** As /proc/version prints it; two builds of one release differ here. */
  readonly banner?: string;
  /** Such as "Debian 12". */
  readonly distribution?: string;
  /** The publisher makes no updates for it after. */
  readonly coverageEnds?: Instant;
}

export function decodeKernelFacts(kernel: Decoder): KernelFacts {
  const banner = kernel.get("banner").optional((text) => text.line());
  const distribution = kernel.get("distribution").optional((text) => text.line());
  const coverageEnds = kernel.get("coverage_ends").optional((time) => time.as(parseInstant));
  return {
    ...decodeKernel(kernel),
    ...(banner !== undefined && { banner }),
    ...(distribution !== undefined && { distribution }),
    ...(coverageEnds !== undefined && { coverageEnds }),
  };
}

export const kernelFactsToJson = (kernel: KernelFacts): JsonObject =>
  new Map([
    ...kernelToJson(kernel),
    ...jsonObject({
      ...(kernel.banner !== undefined && { banner: kernel.banner }),
      ...(kernel.distribution !== undefined && { distribution: kernel.distribution }),
      ...(kernel.coverageEnds !== undefined && { coverage_ends: formatInstant(kernel.coverageEnds) }),
    }),
  ]);
