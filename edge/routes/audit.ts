import type { Context, Hono } from "hono";
import { readAudit } from "../audit/log.ts";
import type { AppDeps } from "../deps.ts";
import { problem } from "../http/problem.ts";
import { route } from "../http/route.ts";
import { type AdmitDeps, admit } from "./admit.ts";

type AuditDeps = AdmitDeps & Pick<AppDeps, "store">;

/** Serves the audit log to publishers. */
export function auditRoutes(app: Hono, deps: AuditDeps): void {
  route(app, "/audit", { get: (c) => audit(c, deps) });
}

/** Answers with lines as they are stored, some hundreds at a time; `Link` names the next page. */
async function audit(c: Context, deps: AuditDeps): Promise<Response> {
  const after = c.req.query("after") ?? "0";
  if (!/^\d{1,12}$/.test(after))
    return problem(400, { code: "usage", message: "after: must be the number of a segment" });
  const admission = await admit(c.req.raw, deps, "read", 0);
  if (admission.kind === "rejected") return admission.answer;
  const { bytes, next } = await readAudit(deps.store, Number(after));
  return new Response(bytes as Uint8Array<ArrayBuffer>, {
    headers: {
      "Content-Type": "application/x-ndjson",
      "Cache-Control": "no-store",
      "X-Content-Type-Options": "nosniff",
      ...(next !== undefined && { Link: `</audit?after=${next}>; rel="next"` }),
    },
  });
}
