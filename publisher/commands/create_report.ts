import { mkdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { writeNew } from "../../node/cli/output.ts";
import { utf8 } from "../../shared/bytes.ts";
import { compareFunctions } from "../create/page/compared_functions.ts";
import { keptParts } from "../create/page/kept_parts.ts";
import { reportPage } from "../create/page/report_page.tsx";
import { reportText } from "../create/report_text.ts";
import type { SeriesReport } from "../create/series/outcomes.ts";
import { seriesText } from "../create/series/series_text.ts";
import type { Skeleton } from "../create/skeletons/skeleton.ts";
import type { UpdateContent, UpdateReport } from "../create/update.ts";
import type { PatchText } from "./create_content.ts";

/** What the report as a page says besides the report. */
export interface PageAbout {
  readonly id: string;
  readonly summary: string;
  /** The kernel's banner. */
  readonly kernel: string;
  readonly patches: readonly Pick<PatchText, "path" | "text">[];
  readonly content: Pick<UpdateContent, "pairs" | "patches">;
}

/** The report on an update, and on each fix if it is made of a series. */
export type CreateReport = UpdateReport & { readonly series?: SeriesReport };

/** Formats a report for people. */
export const createReportText = (report: CreateReport): readonly string[] => [
  ...(report.series === undefined ? [] : seriesText(report.series)),
  ...reportText(report),
];

/**
 * Writes the report as text and as JSON, and as a page too if there is something about it.
 * @throws RebootlessError `usage`, `unsupported`.
 */
export async function writeReport(
  output: string,
  report: CreateReport,
  about: PageAbout | undefined,
): Promise<void> {
  const page = about && (await pageOf(report, about));
  await mkdir(output, { recursive: true });
  await writeNew(join(output, "report.txt"), utf8(`${createReportText(report).join("\n")}\n`));
  await writeNew(join(output, "report.json"), utf8(`${JSON.stringify(report, null, 2)}\n`));
  if (page !== undefined) await writeNew(join(output, "report.html"), utf8(page));
}

/** Writes skeletons beside the report. @throws RebootlessError `usage`. */
export async function writeSkeletons(output: string, skeletons: readonly Skeleton[]): Promise<void> {
  for (const { file, text } of skeletons) await writeNew(join(output, file), Buffer.from(text, "latin1"));
}

async function pageOf(report: UpdateReport, about: PageAbout): Promise<string> {
  const { id, summary, kernel, patches, content } = about;
  const shown = report.units.flatMap(({ source, changed, added }) => {
    const pair = content.pairs.find((one) => one.source === source);
    return pair === undefined ? [] : { pair, names: [...changed, ...added] };
  });
  return reportPage({
    id,
    summary,
    kernel,
    report,
    patches: patches.map(({ path, text }) => ({ path: basename(path), text })),
    compared: await compareFunctions(shown),
    kept: content.patches.map((part) => ({ source: part.source, parts: keptParts(part) })),
  });
}
