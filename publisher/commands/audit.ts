import { type BuildId, type Sha256Hex, sha256Hex } from "../../shared/brand.ts";
import { RebootlessError } from "../../shared/errors.ts";
import type { JsonObject } from "../../shared/json.ts";
import { excerpt } from "../../shared/printable.ts";
import { formatInstant, parseInstant } from "../../shared/time.ts";
import type { PublisherContext } from "../context.ts";
import { type AuditEntry, auditEntries } from "../feed/audit.ts";
import { edgeClient } from "../feed/edge_client.ts";
import { openPublisherFolder } from "../feed/publisher_folder.ts";
import { keyringOf, type OpenKeysOptions } from "./open_keys.ts";

export interface AuditOptions extends OpenKeysOptions {
  readonly feed: string;
  readonly since?: string;
  readonly kernel: readonly BuildId[];
  /** The digest of an entry that the user noted earlier and that must still be in the log. */
  readonly known?: string;
}

/** Shows who published what. The audit log is read and verified from its beginning. */
export async function audit(context: PublisherContext, dir: string, options: AuditOptions): Promise<void> {
  const { terminal, clock } = context;
  const wanted = filterOf(options);
  const known = options.known === undefined ? undefined : digestOf(options.known);
  const folder = await openPublisherFolder(dir, keyringOf(context, options));
  const shown: JsonObject[] = [];
  let last: AuditEntry | undefined;
  let met = known === undefined;
  for await (const entry of auditEntries(edgeClient(options.feed, folder, clock))) {
    last = entry;
    met ||= entry.sha256 === known;
    if (!wanted(entry)) continue;
    terminal.say(lineOf(entry));
    shown.push(entry.all);
  }
  if (!met) {
    throw new RebootlessError(
      "trust",
      "the audit log was changed: it no longer has the entry that you noted",
    );
  }
  terminal.say(last ? `last       ${last.number}, ${last.sha256}` : "last       none");
  terminal.result("audit", {
    entries: shown,
    last: last
      ? new Map<string, string | number>([
          ["number", last.number],
          ["sha256", last.sha256],
        ])
      : null,
  });
}

function filterOf({ since, kernel }: AuditOptions): (entry: AuditEntry) => boolean {
  const from = since === undefined ? 0 : timeOf(since);
  return (entry) => entry.at >= from && (kernel.length === 0 || kernel.some((id) => id === entry.kernel));
}

function digestOf(text: string): Sha256Hex {
  try {
    return sha256Hex(text);
  } catch (cause) {
    throw new RebootlessError("usage", `this is not the digest of an entry: ${text.slice(0, 80)}`, { cause });
  }
}

function timeOf(text: string): number {
  try {
    return parseInstant(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  } catch (cause) {
    throw new RebootlessError("usage", `not a date or a time: ${text.slice(0, 40)}`, {
      cause,
      hint: "Write it as 2026-01-31 or 2026-01-31T06:00:00Z.",
    });
  }
}

const MAX_LINE = 800;

/** Formats an entry as one line. Text that others wrote is made safe to print on a terminal. */
function lineOf({ number, at, publisher, act, kernel, outcome, all }: AuditEntry): string {
  const version = all.get("version");
  const message = all.get("message");
  const what = [
    act,
    ...(kernel === null ? [] : [kernel]),
    outcome,
    ...(typeof version === "number" ? [`version ${version}`] : []),
    ...(typeof message === "string" ? [message] : []),
  ];
  return excerpt(
    `${String(number).padStart(8)}  ${formatInstant(at)}  ${publisher}  ${what.join("  ")}`,
    MAX_LINE,
  );
}
