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

/** What uname(2) has room for, in printable ASCII without spaces: it goes to terminals and into scripts. */
const UTS_NAME = /^[!-~]{1,64}$/;

/** Throws ParseError. */
export const decodeKernel = (kernel: Decoder): KernelIdentity => ({
  buildId: kernel.get("build_id").as(buildId),
  release: kernel.get("release").matching(UTS_NAME, "a kernel's release"),
  architecture: kernel.get("architecture").matching(UTS_NAME, "an architecture"),
});
