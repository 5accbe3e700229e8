import { type BuildId, buildId } from "./brand.ts";
import type { Decoder } from "./decode.ts";
import { type JsonObject, jsonObject } from "./json.ts";

/** The identity of a kernel. The build ID decides; the other members are for people. */
export interface KernelIdentity {
  readonly buildId: BuildId;
  /** The release, as `uname -r` prints it. */
  readonly release: string;
  /** The architecture, as `uname -m` prints it. */
  readonly architecture: string;
}

export const kernelToJson = ({ buildId: id, release, architecture }: KernelIdentity): JsonObject =>
  jsonObject({ build_id: id, release, architecture });

/**
 * The length that uname(2) has room for, in printable ASCII without spaces, because it is shown on terminals
 * and used in scripts.
 */
const UTS_NAME = /^[!-~]{1,64}$/;

/** Reads the identity of a kernel. @throws ParseError */
export const decodeKernel = (kernel: Decoder): KernelIdentity => ({
  buildId: kernel.get("build_id").as(buildId),
  release: kernel.get("release").matching(UTS_NAME, "a kernel's release"),
  architecture: kernel.get("architecture").matching(UTS_NAME, "an architecture"),
});
