import { Decoder } from "../shared/decode.ts";
import { isCode } from "../shared/errors.ts";
import { encodeJson, jsonObject, parseJson } from "../shared/json.ts";
import type { MirrorDir } from "./mirror_dir.ts";
import { decodeSelection, MAX_SELECTED, type Selection, selectionToJson } from "./selection.ts";

/** What a mirror remembers of its last sync. */
export interface SyncState {
  readonly feed: string;
  readonly selection: Selection;
  /** Where the feed's list of changes ended, once everything up to there was taken. */
  readonly cursor: string | undefined;
}

const FILE = "state.json";
const MAX_BYTES = 32 * 1024 * 1024;
/** Three lists of damage at the most. */
const MAX_VALUES = 3 * MAX_SELECTED + 1024;

/** undefined where there is none, or one that is damaged: then everything is asked. */
export async function readSyncState(dir: MirrorDir): Promise<SyncState | undefined> {
  const bytes = await dir.readOwn(FILE, MAX_BYTES);
  if (!bytes) return undefined;
  return unlessDamaged(() => {
    const state = new Decoder(parseJson(bytes, FILE, MAX_VALUES), FILE);
    state.get("format").literal(1);
    return {
      feed: state.get("feed").string(4096),
      selection: decodeSelection(state.get("selection")),
      cursor: state.get("cursor").optional((text) => text.string()),
    };
  });
}

export async function writeSyncState(dir: MirrorDir, { feed, selection, cursor }: SyncState): Promise<void> {
  const state = jsonObject({ format: 1, feed, selection: selectionToJson(selection), cursor });
  await dir.writeOwn(FILE, encodeJson(state));
}

/** What `mirror verify` found wrong, for the next sync to put right. */
export interface Damage {
  /** Kernels of which some file is wrong. */
  readonly kernels: readonly string[];
  readonly artifacts: readonly string[];
  /** Files that nobody needs as they are, in a mirror's own folders. */
  readonly remove: readonly string[];
}

const DAMAGE = "damaged.json";
const MAX_PATH = 4096;

export async function readDamage(dir: MirrorDir): Promise<Damage> {
  const bytes = await dir.readOwn(DAMAGE, MAX_BYTES);
  const none = { kernels: [], artifacts: [], remove: [] };
  if (!bytes) return none;
  const found = unlessDamaged(() => {
    const damage = new Decoder(parseJson(bytes, DAMAGE, MAX_VALUES), DAMAGE);
    const texts = (name: string) =>
      damage
        .get(name)
        .array(MAX_SELECTED)
        .map((text) => text.string(MAX_PATH));
    return { kernels: texts("kernels"), artifacts: texts("artifacts"), remove: texts("remove") };
  });
  return found ?? none;
}

export const writeDamage = (dir: MirrorDir, { kernels, artifacts, remove }: Damage): Promise<void> =>
  dir.writeOwn(DAMAGE, encodeJson(jsonObject({ kernels, artifacts, remove })));

function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isCode(error, "parse")) return undefined;
    throw error;
  }
}
