import { type BuildId, buildId } from "./brand.ts";
import type { Decoder } from "./decode.ts";
import { type JsonObject, jsonObject } from "./json.ts";

/** Which kernel something is for. The build ID decides; the rest is for people. */
export interface KernelIdentity {
  readonly buildId: BuildId;
  /** As `uname -r` prints it. */
  readonly release: string;
  /** As `uname -m` prints it. */
  readonly architecture: string;
}

export const kernelToJson = ({ buildId: id, release, architecture }: KernelIdentity): JsonObject =>
  jsonObject({ build_id: id, release, architecture });

/** Throws ParseError. */
export const decodeKernel = (kernel: Decoder): KernelIdentity => ({
  buildId: kernel.get("build_id").as(buildId),
  release: kernel.get("release").string(),
  architecture: kernel.get("architecture").string(),
});
