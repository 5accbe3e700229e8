import { describe, expect, it } from "vitest";
import {
  countsOf,
  dishonestEffective,
  makerOf,
  updateOptions,
} from "../../../publisher/commands/create_maker.ts";
import type { CreateOptions } from "../../../publisher/commands/create_options.ts";
import type { PublisherContext } from "../../../publisher/context.ts";
import { type FixOutcome, seriesReport } from "../../../publisher/create/series/outcomes.ts";

const options: CreateOptions = {
  source: "linux",
  image: "/",
  headers: [],
  modules: [],
  hooks: [],
  layoutOk: [],
  fuzz: false,
  explain: false,
  forceCompiler: false,
  cve: [],
  depends: [],
  conflicts: [],
  supersedes: [],
  replace: false,
  check: false,
};

const reportOf = (...outcomes: readonly FixOutcome[]) =>
  seriesReport(
    { name: "v1..v2" },
    outcomes.map((outcome, index) => ({
      id: `fix-${index}`,
      subject: "a fix",
      cves: [`CVE-2026-000${index}`],
      commits: [],
      files: [],
      ...outcome,
    })),
    1,
  );

const LIVE: FixOutcome = { outcome: "live", atStart: false };

describe("create of a series", () => {
  it("does not call an update effective that leaves out what may change code", () => {
    const effective = { ...options, effective: "6.1.192" };
    const whole = reportOf(
      LIVE,
      { outcome: "already_in" },
      { outcome: "not_built" },
      { outcome: "same_code" },
    );
    expect(dishonestEffective(effective, whole, {})).toBeUndefined();
    const lacking: readonly FixOutcome[] = [
      { outcome: "at_start" },
      { outcome: "live", atStart: true },
      { outcome: "not_here", output: [] },
      { outcome: "refused", refusals: [] },
      { outcome: "left_out", because: ["fix-0"], refusals: [] },
      { outcome: "undecided", refusals: [] },
    ];
    for (const outcome of lacking) {
      const error = dishonestEffective(effective, reportOf(LIVE, outcome), { live: 1 });
      expect(error, outcome.outcome).toMatchObject({ code: "usage", answer: { live: 1 } });
      expect(error?.message).toContain("does not have every fix of 6.1.192: 1 fix");
      expect(dishonestEffective(options, reportOf(LIVE, outcome), {})).toBeUndefined();
    }
  });

  it("counts what is live, and what may change code and is not", () => {
    const report = reportOf(
      LIVE,
      { outcome: "live", atStart: true },
      { outcome: "not_built" },
      { outcome: "at_start" },
    );
    expect(countsOf(report)).toEqual({ live: 2, not_live: 2 });
  });

  it("names the update by the series, with the CVEs that are live", () => {
    const about = { name: "v6.1.190..v6.1.192", subject: "the fixes" };
    const report = reportOf(LIVE, { outcome: "refused", refusals: [] });
    expect(updateOptions({ ...options, cve: ["CVE-2025-1000"] }, about, report)).toMatchObject({
      id: "v6.1.190..v6.1.192",
      summary: "the fixes",
      cve: ["CVE-2025-1000", "CVE-2026-0000"],
    });
  });

  it("takes either patches or a series", async () => {
    const context = { terminal: { progress: () => undefined } } as unknown as PublisherContext;
    await expect(makerOf(context, options)).rejects.toMatchObject({ code: "usage" });
    await expect(makerOf(context, { ...options, patch: ["a"], series: ["b"] })).rejects.toMatchObject({
      code: "usage",
    });
  });
});
