import type { Decoder } from "../decode.ts";
import { type JsonObject, jsonObject } from "../json.ts";
import { decodeKernel, type KernelIdentity, kernelToJson } from "../kernel_identity.ts";
import { formatInstant, type Instant, parseInstant } from "../time.ts";

/** The identity of a kernel, and further facts from its publisher that help people to find it. */
export interface KernelFacts extends KernelIdentity {
  /** The banner, as /proc/version prints it. Two builds of one release differ in it. */
  readonly banner?: string;
  /** The distribution, such as "Debian 12". */
  readonly distribution?: string;
  /** The time after which the publisher makes no updates for the kernel. */
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
