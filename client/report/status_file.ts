import { join } from "node:path";
import type { Places } from "../../node/config/config.ts";
import { readIfPresent, writeWhole } from "../../node/files.ts";
import { requireOwnFolders } from "../../node/own_folders.ts";
import { isJsonObject, type JsonObject, type JsonValue, jsonObject, parseJson } from "../../shared/json.ts";
import { MAX_MANIFEST_VALUES } from "../../shared/limits.ts";
import { printableJson } from "../../shared/printable.ts";
import { formatInstant } from "../../shared/time.ts";
import { conditionToJson, shownConditions } from "../conditions/conditions_file.ts";
import type { Context } from "../context.ts";
import { hostMembers } from "./host_json.ts";
import { viewHost } from "./host_view.ts";

/** The version of the format. It is raised when a member changes its meaning or is removed, not when one is added. */
const STATUS_SCHEMA = 1;

export const statusFile = (places: Places): string => join(places.runDir, "status.json");

/** How a run ended. */
export interface RunEnd {
  readonly command: string;
  /** The version of the program. */
  readonly version: string;
  readonly milliseconds: number;
  readonly exitCode: number;
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

/**
 * Writes what a run found to /run/rebootless/status.json. What the run did not find out stays as the previous run left it,
 * so that a feed that does not answer does not remove what is known of the host.
 *
 * @throws RebootlessError `config` if anybody but root controls the folder, who could put a link in place of the file.
 */
export async function writeStatus(context: Context, end: RunEnd): Promise<void> {
  requireOwnFolders([context.places.runDir]);
  const before = await readStatus(context.places);
  const learned = jsonObject({
    schema: STATUS_SCHEMA,
    written: formatInstant(context.clock()),
    version: end.version,
    run: runToJson(context, end),
    conditions: (await shownConditions(context.places.stateDir)).map(conditionToJson),
    ...(await learnedMembers(context)),
  });
  const document = printableJson(new Map([...before, ...learned]));
  // The file is in memory and useless after a crash: it does not have to be on a disk.
  writeWhole(statusFile(context.places), document);
}

/** Reads status.json; an empty object if there is none, or if it does not have this format. */
export async function readStatus(places: Places): Promise<JsonObject> {
  try {
    const status = parseJson(
      (await readIfPresent(statusFile(places))) ?? new Uint8Array(),
      "status.json",
      MAX_MANIFEST_VALUES,
    );
    return isJsonObject(status) && status.get("schema") === STATUS_SCHEMA ? status : new Map();
  } catch {
    return new Map();
  }
}

function runToJson({ record }: Context, end: RunEnd): JsonObject {
  return jsonObject({
    command: end.command,
    exit_code: end.exitCode,
    error: end.error ? jsonObject(end.error) : null,
    milliseconds: Math.round(end.milliseconds),
    changes: record.changes,
    warnings: record.warnings,
  });
}

async function learnedMembers(context: Context): Promise<Readonly<Record<string, JsonValue | undefined>>> {
  const { host, manifest, feed } = context.record;
  if (!host) return {};
  const seen = feed && {
    feed: jsonObject({
      url: feed.url,
      version: feed.targetsVersion,
      expires: formatInstant(feed.expires),
      verified: formatInstant(feed.verified),
    }),
  };
  const now = manifest && hostMembers(host, await viewHost(context, host, manifest));
  return { ...seen, ...now };
}
