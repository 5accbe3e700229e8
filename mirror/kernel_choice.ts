import { type BuildId, buildId } from "../shared/brand.ts";
import { fromUtf8 } from "../shared/bytes.ts";
import type { Decoder } from "../shared/decode.ts";
import { MAX_LISTED } from "../shared/feed/list_walk.ts";
import type { Listed } from "../shared/feed/listing.ts";
import { encodeJson, type JsonObject, type JsonValue, jsonObject } from "../shared/json.ts";
import { matchesPattern } from "../shared/tuf/path_pattern.ts";

/**
 * The kernels that a mirror has: those that are named, and those that fit a pattern. An empty choice means
 * all kernels.
 */
export interface KernelChoice {
  readonly kernels: ReadonlySet<BuildId>;
  /** The glob(7) patterns for `uname -r`. */
  readonly releases: readonly string[];
  /** The glob(7) patterns for distributions, such as `Debian *`. */
  readonly distributions: readonly string[];
}

export const EVERY_KERNEL: KernelChoice = { kernels: new Set(), releases: [], distributions: [] };

export const MAX_CHOSEN = MAX_LISTED;
const MAX_PATTERNS = 256;

/** Tells whether the feed's list is needed to know which kernels are chosen. */
export const needsList = ({ kernels, releases, distributions }: KernelChoice): boolean =>
  releases.length > 0 || distributions.length > 0 || kernels.size === 0;

export function isChosen(choice: KernelChoice, listed: Listed): boolean {
  const { kernels, releases, distributions } = choice;
  if (kernels.has(listed.buildId)) return true;
  if (releases.length === 0 && distributions.length === 0) return kernels.size === 0;
  const { release, distribution } = listed;
  return (
    (releases.length === 0 || releases.some((pattern) => matchesPattern(pattern, release))) &&
    (distributions.length === 0 || distributions.some((one) => matchesPattern(one, distribution ?? "")))
  );
}

export const choiceToJson = ({ kernels, releases, distributions }: KernelChoice): JsonObject =>
  jsonObject({ kernels: [...kernels].sort(), releases, distributions });

export function decodeChoice(choice: Decoder): KernelChoice {
  const texts = (name: string) =>
    choice
      .get(name)
      .array(MAX_PATTERNS)
      .map((text) => text.string());
  return {
    kernels: new Set(
      choice
        .get("kernels")
        .array(MAX_CHOSEN)
        .map((id) => id.as(buildId)),
    ),
    releases: texts("releases"),
    distributions: texts("distributions"),
  };
}

export const sameChoice = (a: KernelChoice, b: KernelChoice): boolean => text(a) === text(b);
const text = (choice: KernelChoice): string => fromUtf8(encodeJson(choiceToJson(choice) as JsonValue));
