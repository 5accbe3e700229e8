import type { Context, Hono } from "hono";
import { type BuildId, buildId } from "../../shared/brand.ts";
import { DRY_RUN_PATH, decodeBatch, MAX_BATCH_BYTES, PUBLICATIONS_PATH } from "../../shared/feed/batch.ts";
import { decodeManifest } from "../../shared/feed/manifest.ts";
import {
  decodePublication,
  decodeRootChain,
  MAX_ROOT_CHAIN_BYTES,
  type Publication,
  ROOT_CHAIN_PATH,
} from "../../shared/feed/publication.ts";
import { type JsonObject, jsonObject } from "../../shared/json.ts";
import { MAX_BUNDLE_BYTES, MAX_ROOT_BYTES } from "../../shared/limits.ts";
import { audited } from "../audit/audited.ts";
import { entryOf } from "../catalogue/entry.ts";
import type { AppDeps } from "../deps.ts";
import { jsonAnswer } from "../http/answer.ts";
import { route } from "../http/methods.ts";
import { problem } from "../http/problem.ts";
import type { Answered, Order, PublishOutcome } from "../publish/repository.ts";
import { type Admission, type AdmitDeps, admit } from "./admit.ts";
import type { NewestRoot } from "./newest_root.ts";
import { ID } from "./patterns.ts";

type PublishDeps = AdmitDeps & Pick<AppDeps, "queue" | "audit" | "catalogue" | "report">;

/** What publishers put in force. Each request needs a token made for it. */
export function publishRoutes(app: Hono, deps: PublishDeps, root: NewestRoot): void {
  route(app, `/kernels/:id{${ID}}/publish`, { post: (c) => publishKernel(c, deps) });
  route(app, `/${PUBLICATIONS_PATH}`, { post: (c) => publishMany(c, deps, false) });
  // A path of its own: a token is for a path, so nobody on the way makes a publish of a dry run.
  route(app, `/${DRY_RUN_PATH}`, { post: (c) => publishMany(c, deps, true) });
  route(app, "/root", { post: (c) => publishRoot(c, deps, root, MAX_ROOT_BYTES, (body) => [body]) });
  route(app, `/${ROOT_CHAIN_PATH}`, {
    post: (c) => publishRoot(c, deps, root, MAX_ROOT_CHAIN_BYTES, decodeRootChain),
  });
}

async function publishKernel(c: Context, deps: PublishDeps): Promise<Response> {
  const admission = await admit(c.req.raw, deps, "publish", MAX_BUNDLE_BYTES);
  if (admission.kind === "turned_away") return admission.answer;
  const id = buildId(c.req.param("id") ?? "");
  const [answered] = await audited(deps, asked(admission, "publish", id), async () => {
    const publication = decodePublication(admission.body);
    const other = publication.buildId;
    if (other !== id) return [{ buildId: id, outcome: forAnother(other) }];
    return publish(deps, { by: admission.publisher, publications: [publication], dryRun: false });
  });
  return answerOutcome(answered);
}

/** 200 whatever becomes of each kernel: every one has its own answer. */
async function publishMany(c: Context, deps: PublishDeps, dryRun: boolean): Promise<Response> {
  const admission = await admit(c.req.raw, deps, "publish", MAX_BATCH_BYTES);
  if (admission.kind === "turned_away") return admission.answer;
  const run = async () =>
    publish(deps, { by: admission.publisher, publications: decodeBatch(admission.body), dryRun });
  const answers = dryRun ? await run() : await audited(deps, asked(admission, "publish", null), run);
  return jsonAnswer(200, { results: answers.map(answeredToJson) });
}

async function publish(deps: PublishDeps, order: Order): Promise<readonly Answered[]> {
  const answers = await deps.queue.publish(order);
  for (const { buildId: id, outcome } of answers) {
    if (outcome.kind === "failed") deps.report(new Error(`kernel ${id}: ${outcome.detail}`));
  }
  await record(deps, order.publications, answers);
  return answers;
}

/** They are in force already; what the catalogue misses the next round of tending finds. */
async function record(deps: PublishDeps, publications: readonly Publication[], answers: readonly Answered[]) {
  const versions = new Map(
    answers.flatMap(({ buildId: id, outcome }) =>
      outcome.kind === "published" ? [[id, outcome.version] as const] : [],
    ),
  );
  if (versions.size === 0) return;
  try {
    const now = deps.clock();
    await deps.catalogue.record(
      publications.flatMap(({ buildId: id, manifest }) => {
        const version = versions.get(id);
        return version === undefined ? [] : [entryOf(decodeManifest(manifest), version, now)];
      }),
    );
  } catch (error) {
    deps.report(error);
  }
}

function answeredToJson({ buildId: id, outcome }: Answered): JsonObject {
  const { kind } = outcome;
  const common = { build_id: id, outcome: kind === "misconfigured" ? "failed" : kind };
  switch (outcome.kind) {
    case "published":
      return jsonObject({ ...common, version: outcome.version, etag: outcome.etag });
    case "acceptable":
      return jsonObject({ ...common, version: outcome.version, missing: outcome.missing });
    case "conflict":
      return jsonObject({ ...common, version: outcome.current, message: outcome.message });
    case "refused": {
      const { reason, message, hint } = outcome;
      return jsonObject({ ...common, reason, message, ...(hint !== undefined && { hint }) });
    }
    case "misconfigured":
      return jsonObject({ ...common, message: outcome.message });
    case "failed":
      return jsonObject({ ...common, message: WENT_WRONG });
  }
}

const WENT_WRONG = "something went wrong at the edge, whose log says what";

/** @param read the versions in a body, which follow each other. */
async function publishRoot(
  c: Context,
  deps: PublishDeps,
  root: NewestRoot,
  max: number,
  read: (body: Uint8Array) => readonly Uint8Array[],
): Promise<Response> {
  const admission = await admit(c.req.raw, deps, "publish", max);
  if (admission.kind === "turned_away") return admission.answer;
  const roots = read(admission.body);
  const [answered] = await audited(deps, asked(admission, "root", null), async () => [
    { buildId: null, outcome: await deps.queue.publishRoot(admission.publisher, roots) },
  ]);
  root.forget();
  return answerOutcome(answered);
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

function answerOutcome(answered: { readonly outcome: PublishOutcome } | undefined): Response {
  if (!answered) throw new Error("the queue gave no answer");
  const { outcome } = answered;
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
    case "acceptable":
      return jsonAnswer(200, { version: outcome.version, missing: outcome.missing });
    case "failed":
      return problem(500, { code: "internal", message: WENT_WRONG });
    case "misconfigured":
      return problem(500, { code: "config", message: outcome.message });
  }
}
