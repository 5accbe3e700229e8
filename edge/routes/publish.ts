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
import { MAX_BUNDLE_BYTES, MAX_ROOT_BYTES } from "../../shared/limits.ts";
import { withAudit } from "../audit/with_audit.ts";
import { entryOf } from "../catalogue/entry.ts";
import type { AppDeps } from "../deps.ts";
import { route } from "../http/route.ts";
import type { KernelOutcome, PublishOutcome } from "../publish/outcome.ts";
import type { PublishRequest } from "../publish/queue.ts";
import { type Admission, type AdmitDeps, admit } from "./admit.ts";
import type { NewestRoot } from "./newest_root.ts";
import { BUILD_ID_PATTERN } from "./path_patterns.ts";
import { outcomeAnswer, outcomesAnswer } from "./publish_outcome.ts";

type PublishDeps = AdmitDeps & Pick<AppDeps, "queue" | "audit" | "catalogue" | "report">;

/** Receives publications and roots. Each request needs a token that was made for it. */
export function publishRoutes(app: Hono, deps: PublishDeps, root: NewestRoot): void {
  route(app, `/kernels/:id{${BUILD_ID_PATTERN}}/publish`, {
    post: (c) => publish(c, deps, single(buildId(c.req.param("id") ?? ""))),
  });
  route(app, `/${PUBLICATIONS_PATH}`, { post: (c) => publish(c, deps, { ...BATCH, dryRun: false }) });
  // A dry run has a path of its own. A token is for one path, so a proxy cannot turn a dry run into a publish.
  route(app, `/${DRY_RUN_PATH}`, { post: (c) => publish(c, deps, { ...BATCH, dryRun: true }) });
  route(app, "/root", { post: (c) => publishRoot(c, deps, root, MAX_ROOT_BYTES, (body) => [body]) });
  route(app, `/${ROOT_CHAIN_PATH}`, {
    post: (c) => publishRoot(c, deps, root, MAX_ROOT_CHAIN_BYTES, decodeRootChain),
  });
}

/** A request to publish: one kernel's at its own path, or a batch of them. */
interface PublishForm {
  /** The kernel that the path names; null if the body may be for any. */
  readonly kernel: BuildId | null;
  readonly maxBytes: number;
  readonly decode: (body: Uint8Array) => readonly Publication[];
  readonly dryRun: boolean;
  readonly answer: (outcomes: readonly KernelOutcome[]) => Response;
}

const BATCH = { kernel: null, maxBytes: MAX_BATCH_BYTES, decode: decodeBatch, answer: outcomesAnswer };

const single = (kernel: BuildId): PublishForm => ({
  kernel,
  maxBytes: MAX_BUNDLE_BYTES,
  decode: (body) => [decodePublication(body)],
  dryRun: false,
  answer: onlyAnswer,
});

async function publish(c: Context, deps: PublishDeps, form: PublishForm): Promise<Response> {
  const { kernel, maxBytes, decode, dryRun, answer } = form;
  const admission = await admit(c.req.raw, deps, "publish", maxBytes);
  if (admission.kind === "rejected") return admission.answer;
  const run = async () => {
    const publications = decode(admission.body);
    const other = publications.find(({ buildId: id }) => kernel !== null && id !== kernel);
    if (kernel !== null && other) return [{ buildId: kernel, outcome: forAnother(other.buildId) }];
    return putInForce(deps, { by: admission.publisher, publications, dryRun });
  };
  return answer(dryRun ? await run() : await withAudit(deps, asked(admission, "publish", kernel), run));
}

async function putInForce(deps: PublishDeps, order: PublishRequest): Promise<readonly KernelOutcome[]> {
  const answers = await deps.queue.publish(order);
  for (const { buildId: id, outcome } of answers) {
    if (outcome.kind === "failed") deps.report(new Error(`kernel ${id}: ${outcome.detail}`));
  }
  await record(deps, order.publications, answers);
  return answers;
}

/**
 * Records in the catalogue the feeds that are in force already. If that fails, the next maintenance run does
 * it.
 */
async function record(
  deps: PublishDeps,
  publications: readonly Publication[],
  answers: readonly KernelOutcome[],
) {
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

/** Publishes roots. @param read returns the versions in a body, which follow each other. */
async function publishRoot(
  c: Context,
  deps: PublishDeps,
  root: NewestRoot,
  max: number,
  read: (body: Uint8Array) => readonly Uint8Array[],
): Promise<Response> {
  const admission = await admit(c.req.raw, deps, "publish", max);
  if (admission.kind === "rejected") return admission.answer;
  const roots = read(admission.body);
  const answers = await withAudit(deps, asked(admission, "root", null), async () => [
    { buildId: null, outcome: await deps.queue.publishRoot(admission.publisher, roots) },
  ]);
  root.forget();
  return onlyAnswer(answers);
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

function onlyAnswer([only]: readonly { readonly outcome: PublishOutcome }[]): Response {
  if (!only) throw new Error("the queue gave no answer");
  return outcomeAnswer(only.outcome);
}
