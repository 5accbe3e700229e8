import { SETTING_KEYS, settingName } from "../../node/config/settings.ts";
import { isJsonObject, type JsonValue } from "../../shared/json.ts";
import type { Context } from "../context.ts";
import { readStatus } from "../report/status_file.ts";

/** The kinds of words that shells ask for: the commands that take them, and `set` for the option `--set`. */
export const COMPLETED = ["hold", "set", "show", "undo", "unhold", "upgrade", "verify"] as const;
export type Completed = (typeof COMPLETED)[number];

/** The words that are given to a shell. Others are not, because shells expand what they are given. */
const WORD = /^[A-Za-z0-9._=-]{1,100}$/;

/**
 * Prints the words that a shell can offer, one on each line: ids, CVEs and holds that the last run left in status.json, and
 * the names of settings. Makes no request and verifies nothing.
 */
export async function complete({ places, terminal }: Context, what: Completed): Promise<void> {
  const words = what === "set" ? settings() : left(await readStatus(places), what);
  const fit = [...new Set(words)].filter((word) => WORD.test(word)).sort();
  for (const word of fit) terminal.say(word);
  terminal.result("complete", { words: fit });
}

const settings = (): readonly string[] => SETTING_KEYS.map((key) => `${settingName(key)}=`);

function left(status: ReadonlyMap<string, JsonValue>, what: Exclude<Completed, "set">): readonly string[] {
  const updates = items(status.get("updates"));
  const ids = (...states: readonly string[]) =>
    updates
      .filter((update) => states.length === 0 || states.includes(String(update.get("state"))))
      .map((update) => String(update.get("id")));
  switch (what) {
    case "undo":
    case "verify":
      return ids("applied");
    case "upgrade":
      return ids("available");
    case "show":
      return ids();
    case "hold":
      return [...ids(), ...updates.flatMap((update) => list(update.get("cves")).map(String))];
    case "unhold":
      return [
        ...items(status.get("holds")).map((hold) => String(hold.get("what"))),
        ...items(status.get("suspects")).map((suspect) => String(suspect.get("id"))),
      ];
  }
}

const list = (value: JsonValue | undefined): readonly JsonValue[] =>
  Array.isArray(value) ? (value as readonly JsonValue[]) : [];
const items = (value: JsonValue | undefined) => list(value).filter(isJsonObject);
