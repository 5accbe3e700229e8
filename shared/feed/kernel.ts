import { type BuildId, buildId } from "../brand.ts";
import type { Decoder } from "../decode.ts";
import { type JsonObject, jsonObject } from "../json.ts";
import { formatInstant, type Instant, parseInstant } from "../time.ts";

/** Which kernel a manifest is for. The build ID decides; the rest is for people. */
export interface KernelIdentity {
  readonly buildId: BuildId;
  /** As `uname -r` prints it. */
  readonly release: string;
  /** As `uname -m` prints it. */
  readonly architecture: string;
}

/** What a publisher says of a kernel besides, so that people find it. */
export interface KernelFacts extends KernelIdentity {
  /** As /proc/version prints it; two builds of one release differ here. */
  readonly banner?: string;
  /** Such as "Debian 12". */
  readonly distribution?: string;
  /** The publisher makes no updates for it after. */
  readonly coverageEnds?: Instant;
}

export function decodeKernel(kernel: Decoder): KernelFacts {
  const banner = kernel.get("banner").optional((text) => text.string());
  const distribution = kernel.get("distribution").optional((text) => text.string());
  const coverageEnds = kernel.get("coverage_ends").optional((time) => time.as(parseInstant));
  return {
    buildId: kernel.get("build_id").as(buildId),
    release: kernel.get("release").string(),
    architecture: kernel.get("architecture").string(),
    ...(banner !== undefined && { banner }),
    ...(distribution !== undefined && { distribution }),
    ...(coverageEnds !== undefined && { coverageEnds }),
  };
}

export const kernelToJson = (kernel: KernelFacts): JsonObject =>
  jsonObject({
    build_id: kernel.buildId,
    release: kernel.release,
    architecture: kernel.architecture,
    ...(kernel.banner !== undefined && { banner: kernel.banner }),
    ...(kernel.distribution !== undefined && { distribution: kernel.distribution }),
    ...(kernel.coverageEnds !== undefined && { coverage_ends: formatInstant(kernel.coverageEnds) }),
  });
