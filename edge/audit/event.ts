import type { BuildId, Sha256Hex } from "../../shared/brand.ts";
import { type JsonObject, type JsonValue, jsonObject } from "../../shared/json.ts";
import { formatInstant, type Instant } from "../../shared/time.ts";

/** What is put down of a publish: first that it is asked for, then what came of it. Nothing in it is secret. */
export interface AuditEvent {
  readonly publisher: string;
  /** The id (`jti`) of the token, which is spent by now: it ties what came of a request to the request. */
  readonly token: string;
  /** Of the request's body, as the publisher's token vouched for it. */
  readonly request: Sha256Hex;
  readonly act: "publish" | "root";
  readonly kernel: BuildId | null;
  readonly outcome: Outcome;
}

export type Outcome =
  | { readonly kind: "asked" }
  /** @property feed of the new feed.json; null for a root. */
  | { readonly kind: "published"; readonly version: number; readonly feed: string | null }
  /** @property version the one in force. */
  | { readonly kind: "conflict"; readonly version: number }
  | { readonly kind: "refused" | "failed"; readonly code: string; readonly message: string };

/** Messages may quote what was sent; this much of one is kept. */
const MAX_MESSAGE = 512;

/** Entries form a chain: each holds the SHA-256 of the line before it. */
export interface Place {
  /** Rises by one, from 1. */
  readonly number: number;
  /** Null for the first. */
  readonly previous: Sha256Hex | null;
  readonly at: Instant;
}

export function auditLine({ number, previous, at }: Place, event: AuditEvent): JsonObject {
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

function detailsOf(outcome: Outcome): Readonly<Record<string, JsonValue>> {
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
