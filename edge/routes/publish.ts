import type { Context, Hono } from "hono";
import { type BuildId, buildId, sha256Hex } from "../../shared/brand.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";
import { decodeManifest } from "../../shared/feed/manifest.ts";
import { decodePublication, type Publication } from "../../shared/feed/publication.ts";
import { MAX_ARTIFACT_BYTES, MAX_BUNDLE_BYTES, MAX_ROOT_BYTES } from "../../shared/limits.ts";
import type { AppDeps } from "../app.ts";
import { audited } from "../audit/audited.ts";
import { entryOf } from "../catalogue/entry.ts";
import { jsonAnswer } from "../http/answer.ts";
import { route } from "../http/methods.ts";
import { problem } from "../http/problem.ts";
import type { PublishOutcome } from "../publish/repository.ts";
import { artifactKey, stagingKey } from "../store/keys.ts";
import { type Admission, admit } from "./admit.ts";
import type { NewestRoot } from "./newest_root.ts";
import { ID, SHA256 } from "./patterns.ts";

/** What publishers send. Each request needs a token made for it. */
export function publishRoutes(app: Hono, deps: AppDeps, root: NewestRoot): void {
  route(app, `/staging/:sha256{${SHA256}}`, { put: (c) => stage(c, deps) });
  route(app, `/kernels/:id{${ID}}/publish`, { post: (c) => publishKernel(c, deps) });
  route(app, "/root", { post: (c) => publishRoot(c, deps, root) });
}

/** 201, or 200 when the artifact is here already, staged or in force. */
async function stage(c: Context, deps: AppDeps): Promise<Response> {
  const admission = await admit(c.req.raw, deps, "stage", MAX_ARTIFACT_BYTES);
  if (admission.kind === "turned_away") return admission.answer;
  const sha256 = sha256Hex(c.req.param("sha256") ?? "");
  if ((await sha256Of(admission.body)) !== sha256)
    return refused("the body's SHA-256 is not the one in the path");
  if (admission.body.length === 0) return refused("an artifact has at least one byte");
  const known = await deps.store.head(artifactKey(sha256));
  const done = known ? "exists" : await deps.store.create(stagingKey(sha256), admission.body);
  return jsonAnswer(done === "created" ? 201 : 200, { sha256, length: admission.body.length });
}

async function publishKernel(c: Context, deps: AppDeps): Promise<Response> {
  const admission = await admit(c.req.raw, deps, "publish", MAX_BUNDLE_BYTES);
  if (admission.kind === "turned_away") return admission.answer;
  const id = buildId(c.req.param("id") ?? "");
  const [done] = await audited(deps, asked(admission, "publish", id), async () => {
    const publication = decodePublication(admission.body);
    if (publication.buildId !== id) return [{ buildId: id, outcome: forAnother(publication.buildId) }];
    const outcome = await deps.queue.publish(publication);
    if (outcome.kind === "published") await record(deps, publication, outcome.version);
    return [{ buildId: id, outcome }];
  });
  return answerOutcome(done);
}

/** It is in force already; what the catalogue misses the next round of tending finds. */
async function record(deps: AppDeps, { manifest }: Publication, version: number): Promise<void> {
  try {
    await deps.catalogue.record(entryOf(decodeManifest(manifest), version, deps.clock()));
  } catch (error) {
    deps.report(error);
  }
}

async function publishRoot(c: Context, deps: AppDeps, root: NewestRoot): Promise<Response> {
  const admission = await admit(c.req.raw, deps, "publish", MAX_ROOT_BYTES);
  if (admission.kind === "turned_away") return admission.answer;
  const [done] = await audited(deps, asked(admission, "root", null), async () => [
    { buildId: null, outcome: await deps.queue.publishRoot(admission.body) },
  ]);
  root.forget();
  return answerOutcome(done);
}

type Admitted = Extract<Admission, { kind: "admitted" }>;

const asked = (
  { publisher, token, sha256: request }: Admitted,
  act: "publish" | "root",
  kernel: BuildId | null,
) => ({
  publisher,
  token,
  request,
  act,
  kernel,
});

const forAnother = (id: BuildId): PublishOutcome => ({
  kind: "refused",
  reason: "refused",
  message: `the publication is for kernel ${id}`,
  hint: undefined,
});

function answerOutcome(done: { readonly outcome: PublishOutcome } | undefined): Response {
  if (!done) throw new Error("the queue gave no answer");
  const { outcome } = done;
  switch (outcome.kind) {
    case "published":
      return jsonAnswer(201, { version: outcome.version, etag: outcome.etag });
    case "conflict":
      return problem(409, { code: "conflict", message: outcome.message, version: outcome.current });
    case "refused":
      return problem(422, {
        code: "refused",
        message: outcome.message,
        hint: outcome.hint,
        reason: outcome.reason,
      });
    case "misconfigured":
      return problem(500, { code: "config", message: outcome.message });
  }
}

const refused = (message: string): Response => problem(422, { code: "refused", message });
