import { counted } from "../../shared/counted.ts";
import { Decoder } from "../../shared/decode.ts";
import { encodeJson, type JsonObject, jsonObject, parseJson } from "../../shared/json.ts";
import { MAX_SMALL_VALUES } from "../../shared/limits.ts";
import { formatInstant, type Instant, parseInstant } from "../../shared/time.ts";
import { ROUND_KEY } from "../store/keys.ts";
import type { Store } from "../store/store.ts";
import { decodeExpiries, expiriesToJson } from "./expiries.ts";
import { Staging } from "./staging.ts";
import { type TendDeps, type Tended, tend } from "./tend.ts";

/** What the last round did, and what it saw on its way over all feeds. */
export interface Round extends Tended {
  readonly at: Instant;
  /** Artifacts deleted that nobody published. */
  readonly swept: number;
}

/** Deleting is quick, and a round has other things to do. */
const MAX_SWEPT = 500;

/** Tends all feeds, sweeps what was staged and never published, and leaves word of it in the store. */
export async function runRound(deps: TendDeps): Promise<Round> {
  const at = deps.clock();
  const tended = await tend(deps);
  const round = { ...tended, at, swept: await new Staging(deps.store, deps.clock).sweep(MAX_SWEPT) };
  await keep(deps.store, encodeJson(roundToJson(round)));
  return round;
}

/** Undefined before the first. Throws `parse` for what is damaged. */
export async function lastRound(store: Store): Promise<Round | undefined> {
  const file = await store.get(ROUND_KEY);
  if (!file) return undefined;
  const json = new Decoder(parseJson(await file.bytes(), "round", MAX_SMALL_VALUES), "round");
  const count = (name: string) => json.get(name).integer(0);
  return {
    at: json.get("at").as(parseInstant),
    kernels: count("kernels"),
    renewed: count("renewed"),
    recorded: count("recorded"),
    failed: count("failed"),
    swept: count("swept"),
    nearest: decodeExpiries(json.get("nearest")),
  };
}

export const roundToJson = ({ at, nearest, ...counts }: Round): JsonObject =>
  jsonObject({ at: formatInstant(at), ...counts, nearest: expiriesToJson(nearest) });

export const roundInWords = ({ kernels, renewed, recorded, failed, swept }: Round): string =>
  `tended ${counted(kernels, "kernel")}: ${renewed} renewed, ${recorded} recorded, ${failed} failed; ${counted(swept, "upload")} swept`;

/** Of two rounds at once either may have the last word. */
async function keep(store: Store, bytes: Uint8Array): Promise<void> {
  const known = await store.head(ROUND_KEY);
  if (known) await store.replace(ROUND_KEY, known.revision, bytes);
  else await store.create(ROUND_KEY, bytes);
}
