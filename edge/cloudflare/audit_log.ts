import { DurableObject } from "cloudflare:workers";
import type { DurableObjectNamespace } from "@cloudflare/workers-types";
import { webDigests } from "../../shared/crypto/web_crypto.ts";
import { systemClock } from "../../shared/time.ts";
import type { AuditEvent } from "../audit/event.ts";
import { type AuditLog, StoredAuditLog } from "../audit/log.ts";
import type { EdgeEnv } from "./bindings.ts";
import { r2Store } from "./r2.ts";

/** The one writer of the audit log. The log itself is in the bucket. */
export class AuditObject extends DurableObject<EdgeEnv> {
  readonly #log = new StoredAuditLog(r2Store(this.env.FEED), systemClock, webDigests);

  append(events: readonly AuditEvent[]): Promise<void> {
    return this.#log.append(events);
  }
}

export function auditLogOf(namespace: DurableObjectNamespace<AuditObject>): AuditLog {
  return { append: async (events) => namespace.get(namespace.idFromName("audit")).append(events) };
}
