import { Decoder } from "../shared/decode.ts";
import { encodeJson, jsonObject, parseJson } from "../shared/json.ts";
import { unlessDamaged } from "./damage.ts";
import { choiceToJson, decodeChoice, type KernelChoice, MAX_CHOSEN } from "./kernel_choice.ts";
import type { MirrorDir } from "./mirror_dir.ts";

/** The state that a mirror stores about its last sync. */
export interface SyncState {
  readonly feed: string;
  readonly choice: KernelChoice;
  /** The end of the feed's list of changes, once everything up to it was imported. */
  readonly cursor: string | undefined;
}

const FILE = "state.json";
const MAX_BYTES = 32 * 1024 * 1024;
/** The largest number of JSON values: the kernels of a choice, and its patterns. */
const MAX_VALUES = 3 * MAX_CHOSEN + 1024;

/** Reads the state. Returns undefined if it is missing or damaged: then the feed is asked for everything. */
export async function readSyncState(dir: MirrorDir): Promise<SyncState | undefined> {
  const bytes = await dir.readOwn(FILE, MAX_BYTES);
  if (!bytes) return undefined;
  return unlessDamaged(() => {
    const state = new Decoder(parseJson(bytes, FILE, MAX_VALUES), FILE);
    state.get("format").literal(1);
    return {
      feed: state.get("feed").string(4096),
      choice: decodeChoice(state.get("selection")),
      cursor: state.get("cursor").optional((text) => text.string()),
    };
  });
}

export async function writeSyncState(dir: MirrorDir, { feed, choice, cursor }: SyncState): Promise<void> {
  const state = jsonObject({ format: 1, feed, selection: choiceToJson(choice), cursor });
  await dir.writeOwn(FILE, encodeJson(state));
}
