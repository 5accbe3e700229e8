import { normalize } from "node:path";
import { Decoder } from "../shared/decode.ts";
import { isCode } from "../shared/errors.ts";
import { encodeJson, jsonObject, parseJson } from "../shared/json.ts";
import { MAX_CHOSEN } from "./kernel_choice.ts";
import type { MirrorDir } from "./mirror_dir.ts";

/** The damage that `mirror verify` found. The next sync repairs it. */
export interface Damage {
  /** Kernels with at least one wrong file. */
  readonly kernels: readonly string[];
  readonly artifacts: readonly string[];
  /** Files in a mirror's own folders that are of no use as they are. */
  readonly remove: readonly string[];
}

const MAX_BYTES = 32 * 1024 * 1024;
/** The largest number of JSON values, which are those of three lists. */
const MAX_VALUES = 3 * MAX_CHOSEN + 1024;
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
        .array(MAX_CHOSEN)
        .map((text) => text.string(MAX_PATH));
    return { kernels: texts("kernels"), artifacts: texts("artifacts"), remove: texts("remove") };
  });
  return found ?? none;
}

export const writeDamage = (dir: MirrorDir, { kernels, artifacts, remove }: Damage): Promise<void> =>
  dir.writeOwn(DAMAGE, encodeJson(jsonObject({ kernels, artifacts, remove })));

export function unlessDamaged<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isCode(error, "parse")) return undefined;
    throw error;
  }
}

/**
 * Removes useless files that `mirror verify` named. The files that belong in their place are then missing,
 * and are fetched.
 */
export async function removeDamaged(dir: MirrorDir, remove: readonly string[]): Promise<void> {
  for (const path of remove.map(normalize)) {
    if (["kernels/", "artifacts/", "root/"].some((own) => path.startsWith(own))) await dir.files.remove(path);
  }
}
