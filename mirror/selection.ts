import { type BuildId, buildId } from "../shared/brand.ts";
import { fromUtf8 } from "../shared/bytes.ts";
import type { Decoder } from "../shared/decode.ts";
import { MAX_LISTED } from "../shared/feed/list_walk.ts";
import type { Listed } from "../shared/feed/listing.ts";
import { encodeJson, type JsonObject, type JsonValue, jsonObject } from "../shared/json.ts";
import { matchesPattern } from "../shared/tuf/path_pattern.ts";

/** Which kernels a mirror has: those named, and those that a pattern fits. Nothing given: all. */
export interface Selection {
  readonly kernels: ReadonlySet<BuildId>;
  /** glob(7) patterns of `uname -r`. */
  readonly releases: readonly string[];
  /** glob(7) patterns such as `Debian *`. */
  readonly distributions: readonly string[];
}

export const EVERYTHING: Selection = { kernels: new Set(), releases: [], distributions: [] };

export const MAX_SELECTED = MAX_LISTED;
const MAX_PATTERNS = 256;

/** Whether a list of the feed is needed to know what is selected. */
export const hasPatterns = ({ kernels, releases, distributions }: Selection): boolean =>
  releases.length > 0 || distributions.length > 0 || kernels.size === 0;

export function isSelected(selection: Selection, listed: Listed): boolean {
  const { kernels, releases, distributions } = selection;
  if (kernels.has(listed.buildId)) return true;
  if (releases.length === 0 && distributions.length === 0) return kernels.size === 0;
  const { release, distribution } = listed;
  return (
    (releases.length === 0 || releases.some((pattern) => matchesPattern(pattern, release))) &&
    (distributions.length === 0 || distributions.some((one) => matchesPattern(one, distribution ?? "")))
  );
}

export const selectionToJson = ({ kernels, releases, distributions }: Selection): JsonObject =>
  jsonObject({ kernels: [...kernels].sort(), releases, distributions });

export function decodeSelection(selection: Decoder): Selection {
  const texts = (name: string) =>
    selection
      .get(name)
      .array(MAX_PATTERNS)
      .map((text) => text.string());
  return {
    kernels: new Set(
      selection
        .get("kernels")
        .array(MAX_SELECTED)
        .map((id) => id.as(buildId)),
    ),
    releases: texts("releases"),
    distributions: texts("distributions"),
  };
}

export const sameSelection = (a: Selection, b: Selection): boolean => text(a) === text(b);
const text = (selection: Selection): string => fromUtf8(encodeJson(selectionToJson(selection) as JsonValue));
