import { basename } from "node:path";
import { counted } from "../../shared/counted.ts";
import { RebootlessError } from "../../shared/errors.ts";
import { MAX_RELATED } from "../../shared/feed/update.ts";
import type { JsonValue } from "../../shared/json.ts";
import type { PublisherContext } from "../context.ts";
import { withCves } from "../create/series/cve_records.ts";
import { isWhole, liveCves, type SeriesReport } from "../create/series/outcomes.ts";
import { readCveRecords } from "../create/series/read_cves.ts";
import { readSeries } from "../create/series/read_series.ts";
import { seriesUpdate } from "../create/series/series_update.ts";
import { type ContentMaker, ofPatches, openCache, type PatchText, readPatches } from "./create_content.ts";
import type { CreateOptions, FixOptions } from "./create_options.ts";
import type { UpdateOptions } from "./draft.ts";

/** How an update is made, and what its ID and summary are taken from unless they are given. */
export interface Maker {
  readonly make: ContentMaker;
  readonly name: string;
  readonly subject: string | undefined;
  /** The texts for the report as a page. */
  readonly patches: readonly Pick<PatchText, "path" | "text">[];
}

/** Reads the patches or the series. @throws RebootlessError `usage` unless one of the two is given. */
export async function makerOf({ terminal }: PublisherContext, options: FixOptions): Promise<Maker> {
  const { patch = [], series = [] } = options;
  if (patch.length > 0 === series.length > 0)
    throw new RebootlessError("usage", "give --patch or --series", {
      hint: "--patch makes an update of one fix, --series one of as many fixes as can be live.",
    });
  const progress = (line: string): void => terminal.progress(line);
  if (series.length > 0) {
    const records = options.cveRecords === undefined ? [] : await readCveRecords(options.cveRecords);
    const found = await readSeries(series, await openCache(options), progress);
    const read = { ...found, fixes: withCves(found.fixes, records, found.step) };
    const make: ContentMaker = (source, prepared) =>
      seriesUpdate(read, source, options.fuzz, prepared, progress);
    const texts = read.fixes.map(({ id, steps }) => ({
      path: id,
      text: steps.map(({ text }) => text).join(""),
    }));
    return { make, name: read.name, subject: `the fixes of ${read.name} that can be live`, patches: texts };
  }
  const patches = await readPatches(patch);
  const [first] = patches;
  const name = basename(first?.path ?? "").replace(/\.(?:patch|diff|mbox)$/, "");
  const [, subject] = /^Subject: (?:\[[^\]]*\] *)?(.+)$/m.exec(first?.text ?? "") ?? [];
  return { make: ofPatches(patches, options, !options.check), name, subject: subject?.trim(), patches };
}

/** Fills in a missing ID and summary, and adds the CVEs that a series fixes, of which a manifest may have so many. */
export function updateOptions(
  options: CreateOptions,
  { name, subject }: Pick<Maker, "name" | "subject">,
  series: SeriesReport | undefined,
): UpdateOptions {
  return {
    ...options,
    cve: [...new Set([...options.cve, ...(series === undefined ? [] : liveCves(series))])].slice(
      0,
      Math.max(MAX_RELATED, options.cve.length),
    ),
    id:
      options.id ??
      (name
        .toLowerCase()
        .replaceAll(/[^a-z0-9.-]+/g, "-")
        .replaceAll(/^[.-]+|[.-]+$/g, "")
        .slice(0, 64) ||
        "update"),
    summary: options.summary ?? subject ?? name,
  };
}

/** Returns an error if the update is to be called effective although it does not bring everything. */
export function dishonestEffective(
  { effective }: CreateOptions,
  { complete, fixes }: SeriesReport,
  answer: Readonly<Record<string, JsonValue>>,
): RebootlessError | undefined {
  if (effective === undefined || complete) return undefined;
  const missing = fixes.filter((fix) => !isWhole(fix));
  return new RebootlessError(
    "usage",
    `a kernel with this update does not have every fix of ${effective}: ${counted(missing.length, "fix", "fixes")} that may change code cannot be live, ${missing[0]?.id} among them`,
    { hint: "Leave --effective out, or give a series of fixes that can all be live.", answer },
  );
}

/** Counts fixes for scripts: how many are live, and how many that may change code are not, or not wholly. */
export const countsOf = ({ fixes }: SeriesReport): { readonly live: number; readonly not_live: number } => ({
  live: fixes.filter(({ outcome }) => outcome === "live").length,
  not_live: fixes.filter((fix) => !isWhole(fix)).length,
});
