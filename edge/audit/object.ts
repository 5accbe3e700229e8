import { DurableObject } from "cloudflare:workers";
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import { systemClock } from "../../shared/time.ts";
import type { EdgeEnv } from "../bindings.ts";
import { r2Store } from "../store/r2.ts";
import type { AuditEvent } from "./event.ts";
import { type AuditLog, StoredAuditLog } from "./log.ts";

/** The one writer of the audit log. The log itself lies in the bucket, and goes with it into a backup. */
export class AuditObject extends DurableObject<EdgeEnv> {
  readonly #log = new StoredAuditLog(r2Store(this.env.FEED), systemClock);

  append(event: AuditEvent): Promise<void> {
    return this.#log.append(event);
  }
}

export function auditOf(namespace: DurableObjectNamespace<AuditObject>): AuditLog {
  return { append: async (event) => namespace.get(namespace.idFromName("audit")).append(event) };
}
