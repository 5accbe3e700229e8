import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import { type JsonObject, type JsonValue, jsonObject } from "../../shared/json.ts";
import { formatInstant, type Instant } from "../../shared/time.ts";

/**
 * An entry of the audit log about a publish: first that it is requested, then its outcome. None of it is
 * secret.
 */
export interface AuditEvent {
  readonly publisher: string;
  /** The id (`jti`) of the token, which is used up by now. It connects an outcome with its request. */
  readonly token: string;
  /** The digest of the request's body, as the publisher's token has it. */
  readonly request: Sha256Hex;
  readonly act: "publish" | "root";
  readonly kernel: BuildId | null;
  readonly outcome: AuditOutcome;
}

export type AuditOutcome =
  | { readonly kind: "asked" }
  /** A kernel or the root was published. @property feed the ETag of the new feed.json; null for a root. */
  | { readonly kind: "published"; readonly version: number; readonly feed: string | null }
  /** The publication does not follow the version in force. @property version the version in force. */
  | { readonly kind: "conflict"; readonly version: number }
  | { readonly kind: "refused" | "failed"; readonly code: string; readonly message: string };

/**
 * The number of characters of a message that are written. A message is cut because it may quote the request.
 */
const MAX_MESSAGE = 512;

/** The position of an entry in the chain. Each entry holds the SHA-256 of the line before it. */
export interface ChainPosition {
  /** The number of the entry. It begins at 1 and rises by one. */
  readonly number: number;
  /** The digest of the line before; null for the first entry. */
  readonly previous: Sha256Hex | null;
  readonly at: Instant;
}

export function auditLine({ number, previous, at }: ChainPosition, event: AuditEvent): JsonObject {
  const { publisher, token, request, act, kernel, outcome } = event;
  return jsonObject({
    number,
    at: formatInstant(at),
    previous,
    publisher,
    token,
    request,
    act,
    kernel,
    outcome: outcome.kind,
    ...detailsOf(outcome),
  });
}

function detailsOf(outcome: AuditOutcome): Readonly<Record<string, JsonValue>> {
  switch (outcome.kind) {
    case "asked":
      return {};
    case "published":
      return { version: outcome.version, feed: outcome.feed };
    case "conflict":
      return { version: outcome.version };
    case "refused":
    case "failed":
      return { code: outcome.code, message: outcome.message.slice(0, MAX_MESSAGE) };
  }
}
