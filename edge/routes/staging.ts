import type { Context, Hono } from "hono";
import { sha256Hex } from "../../shared/brand.ts";
import { decodeDigests, MAX_QUESTION_BYTES, STAGING_PATH } from "../../shared/feed/batch.ts";
import { MAX_ARTIFACT_BYTES } from "../../shared/limits.ts";
import { inParallel } from "../../shared/parallel.ts";
import type { AppDeps } from "../deps.ts";
import { jsonAnswer } from "../http/answer.ts";
import { problem } from "../http/problem.ts";
import { route } from "../http/route.ts";
import { requireOperation } from "../publish/authority.ts";
import { StagingArea } from "../publish/staging_area.ts";
import { artifactKey } from "../store/keys.ts";
import { type AdmitDeps, admit } from "./admit.ts";
import { SHA256_PATTERN } from "./path_patterns.ts";

type StagingDeps = AdmitDeps & Pick<AppDeps, "store">;

/** The number of digests that are looked up at the same time. */
const LOOKUPS = 16;

/** Receives artifacts, each under its digest, before the publish that names them. */
export function stagingRoutes(app: Hono, deps: StagingDeps): void {
  route(app, `/staging/:sha256{${SHA256_PATTERN}}`, { put: (c) => stage(c, deps) });
  route(app, `/${STAGING_PATH}`, { post: (c) => missing(c, deps) });
}

/** Stores an artifact. Answers 201, or 200 if it is here already, staged or in force. */
async function stage(c: Context, deps: StagingDeps): Promise<Response> {
  const admission = await admit(c.req.raw, deps, "stage", MAX_ARTIFACT_BYTES);
  if (admission.kind === "rejected") return admission.answer;
  requireOperation(admission.publisher, "updates", deps.publishers);
  const sha256 = sha256Hex(c.req.param("sha256") ?? "");
  if ((await deps.digests.sha256(admission.body)) !== sha256)
    return refused("the body's SHA-256 is not the one in the path");
  if (admission.body.length === 0) return refused("an artifact has at least one byte");
  const known = await deps.store.head(artifactKey(sha256));
  const done = known ? "exists" : await stagingOf(deps).put(sha256, admission.body);
  return jsonAnswer(done === "created" ? 201 : 200, { sha256, length: admission.body.length });
}

/** Answers which of these digests are neither staged nor in force, and have to be sent. */
async function missing(c: Context, deps: StagingDeps): Promise<Response> {
  const admission = await admit(c.req.raw, deps, "read", MAX_QUESTION_BYTES);
  if (admission.kind === "rejected") return admission.answer;
  const digests = decodeDigests(admission.body);
  const staging = stagingOf(deps);
  const known = await inParallel(
    digests,
    LOOKUPS,
    async (sha256) =>
      (await deps.store.head(artifactKey(sha256))) !== undefined || (await staging.has(sha256)),
  );
  return jsonAnswer(200, { missing: digests.filter((_, i) => !known[i]) });
}

const stagingOf = ({ store, clock }: StagingDeps): StagingArea => new StagingArea(store, clock);

const refused = (message: string): Response => problem(422, { code: "refused", message });
