import { join } from "node:path";
import { explain, type Terminal } from "../../node/cli/terminal.ts";
import type { Places } from "../../node/config/config.ts";
import { readIfPresent, writeDurably } from "../../node/files.ts";
import { requireOwnFolders } from "../../node/own_folders.ts";
import { Decoder } from "../../shared/decode.ts";
import { isCode } from "../../shared/errors.ts";
import { encodeJson, type JsonObject, jsonObject, parseJson } from "../../shared/json.ts";
import { type Clock, formatInstant, parseInstant } from "../../shared/time.ts";
import {
  CONDITION_NAMES,
  type Condition,
  conditionKind,
  MAX_CONDITIONS,
  MAX_DETAIL,
  type Observations,
  type ToSay,
  toSay,
  updateConditions,
} from "./condition.ts";

/*
 * <state>/conditions.json. It is not in /run, because a host that reboots each night would report the same each morning,
 * and would not know since when it lasts. It is written only when a condition begins or ends.
 */

const conditionsFile = (stateDir: string): string => join(stateDir, "conditions.json");

/**
 * Reads the stored conditions. If the file is damaged, there are none, and all that last are reported once more.
 *
 * @throws RebootlessError `config` if anybody but root controls the folder, because the file may then contain anything.
 */
export async function readConditions(stateDir: string): Promise<readonly Condition[]> {
  requireOwnFolders([stateDir]);
  const bytes = await readIfPresent(conditionsFile(stateDir));
  try {
    return bytes ? decodeConditions(bytes) : [];
  } catch (error) {
    if (isCode(error, "parse")) return [];
    throw error;
  }
}

/** Returns the conditions that last and that cannot be read from the kernel or a file. */
export const shownConditions = async (stateDir: string): Promise<readonly Condition[]> =>
  (await readConditions(stateDir)).filter(({ name, ended }) => ended === null && !conditionKind(name).live);

/** What it takes to bring conditions.json up to date at the end of a run. */
export interface ConditionRun {
  readonly places: Pick<Places, "stateDir">;
  readonly clock: Clock;
  readonly record: { takeObservations(): Observations };
  readonly terminal: Pick<Terminal, "notice">;
}

/** Stores what this run observed, and says nothing of it. For runs that a person watches. */
export async function keepConditions(run: ConditionRun): Promise<void> {
  await store(run, (conditions) => ({ begun: [], over: [], rest: conditions }));
}

/** Stores what this run observed. Returns what the run has to say of it, which then counts as said. */
export const conditionsToSay = (run: ConditionRun): Promise<ToSay> =>
  store(run, (conditions) => toSay(conditions, run.clock()));

async function store(
  { places, clock, record, terminal }: ConditionRun,
  decide: (conditions: readonly Condition[]) => ToSay,
): Promise<ToSay> {
  const found = record.takeObservations();
  if (found.observed.length + found.complete.size === 0) return { begun: [], over: [], rest: [] };
  const notStored = (cause: unknown) =>
    terminal.notice(
      `warning: conditions.json was not updated, so this is reported again: ${explain(cause).message}`,
    );
  const before = await readConditions(places.stateDir).catch((cause: unknown) => {
    notStored(cause);
    return undefined;
  });
  const decided = decide(updateConditions(before ?? [], found, clock()));
  const bytes = encodeConditions(decided.rest);
  if (before && Buffer.compare(bytes, encodeConditions(before)) !== 0)
    await writeDurably(conditionsFile(places.stateDir), bytes).catch(notStored);
  return decided;
}

/** Encodes a condition for status.json and `--json`. */
export const conditionToJson = ({ name, subject, since, detail }: Condition): JsonObject =>
  jsonObject({
    name,
    subject: subject === "" ? undefined : subject,
    since: formatInstant(since),
    detail,
  });

const encodeConditions = (conditions: readonly Condition[]): Uint8Array =>
  encodeJson(
    jsonObject({
      format: 1,
      conditions: conditions.map(({ name, subject, detail, since, said, ended }) =>
        jsonObject({
          name,
          subject,
          detail,
          since: formatInstant(since),
          said: said === null ? null : formatInstant(said),
          ended: ended === null ? null : formatInstant(ended),
        }),
      ),
    }),
  );

function decodeConditions(bytes: Uint8Array): readonly Condition[] {
  const document = new Decoder(parseJson(bytes, "conditions", 16 * MAX_CONDITIONS), "conditions");
  document.get("format").literal(1);
  return document
    .get("conditions")
    .array(MAX_CONDITIONS)
    .map((one) => {
      const name = CONDITION_NAMES.find((known) => known === one.get("name").value);
      const time = (member: string) => one.get(member).nullable((present) => present.as(parseInstant));
      return {
        name: name ?? one.get("name").fail("this is not the name of a condition"),
        subject: one.get("subject").string(MAX_DETAIL),
        detail: one.get("detail").string(MAX_DETAIL),
        since: one.get("since").as(parseInstant),
        said: time("said"),
        ended: time("ended"),
      };
    });
}
