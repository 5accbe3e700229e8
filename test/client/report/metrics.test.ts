import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { METRICS, type Measured, metricFamilies } from "../../../client/report/metrics.ts";
import { exposition } from "../../../client/report/prometheus.ts";
import { printable } from "../../../shared/printable.ts";
import { instant } from "../../../shared/time.ts";
import { parseExposition } from "./exposition_parser.ts";

const measured: Measured = {
  version: "0.1.0",
  kernel: {
    release: "6.1.0-37-cloud-amd64",
    effectiveRelease: "6.1.0-40-cloud-amd64",
    buildId: "ab".repeat(20),
  },
  updates: new Map([
    ["applied", 3],
    ["available", 1],
  ]),
  withheld: 1,
  pendingObjects: 2,
  suspects: 0,
  foreign: 0,
  conditions: [
    { name: "unreachable", count: 1, since: instant(1_795_000_000_000) },
    { name: "recalled", count: 0, since: undefined },
  ],
  cves: new Map([["fixed", 5]]),
  feed: { version: 7, verified: instant(1_795_000_000_500), expires: instant(1_795_600_000_000) },
  run: { command: "upgrade", exitCode: 11, ended: instant(1_795_000_001_000), milliseconds: 1876 },
  transitionMs: 1234,
};

const parsed = (host: Measured) => parseExposition(exposition(metricFamilies(host)));
const value = (host: Measured, name: string) => parsed(host).get(name)?.samples[0]?.value;

describe("metrics", () => {
  it("are what a monitor reads, every family of them", () => {
    const families = parsed(measured);
    expect([...families.keys()]).toEqual(METRICS.map(({ name }) => name));
    for (const { name, labels } of METRICS) {
      for (const sample of families.get(name)?.samples ?? [])
        expect(Object.keys(sample.labels)).toEqual(labels);
    }
    expect(families.get("rebootless_info")?.samples).toEqual([
      {
        labels: {
          version: "0.1.0",
          release: "6.1.0-37-cloud-amd64",
          effective_release: "6.1.0-40-cloud-amd64",
          build_id: "ab".repeat(20),
        },
        value: 1,
      },
    ]);
    expect(families.get("rebootless_updates")?.samples).toEqual([
      { labels: { state: "applied" }, value: 3 },
      { labels: { state: "available" }, value: 1 },
    ]);
    expect(families.get("rebootless_last_run_exit_code")?.samples).toEqual([
      { labels: { command: "upgrade" }, value: 11 },
    ]);
  });

  it("are in seconds", () => {
    expect(value(measured, "rebootless_feed_verified_timestamp_seconds")).toBe(1_795_000_000.5);
    expect(value(measured, "rebootless_feed_expires_timestamp_seconds")).toBe(1_795_600_000);
    expect(value(measured, "rebootless_last_transition_seconds")).toBe(1.234);
    expect(value(measured, "rebootless_last_run_duration_seconds")).toBe(1.876);
  });

  it("say how many last, and since when the one that has lasted longest", () => {
    expect(parsed(measured).get("rebootless_condition")?.samples).toEqual([
      { labels: { condition: "unreachable" }, value: 1 },
      { labels: { condition: "recalled" }, value: 0 },
    ]);
    expect(parsed(measured).get("rebootless_condition_since_timestamp_seconds")?.samples).toEqual([
      { labels: { condition: "unreachable" }, value: 1_795_000_000 },
    ]);
  });

  it("say nothing of what is not known, and 0 of what is none", () => {
    const fresh: Measured = {
      ...measured,
      feed: undefined,
      run: undefined,
      transitionMs: undefined,
      updates: new Map(),
    };
    const names = [...parsed(fresh).keys()].join(" ");
    expect(names).not.toMatch(/feed|last_run|transition|rebootless_updates(?: |$)/);
    expect(value(fresh, "rebootless_suspects")).toBe(0);
  });

  it("carry any text in labels, printable, and in help", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary" }),
        fc.string({ unit: "binary", minLength: 1 }),
        (label, help) => {
          const said = `x${help}`;
          const text = exposition([
            { name: "a_b", help: said, samples: [{ labels: { l: label }, value: 0.5 }] },
          ]);
          const family = parseExposition(text).get("a_b");
          expect(family?.samples).toEqual([{ labels: { l: printable(label) }, value: 0.5 }]);
          expect(family?.help.replaceAll(/\\([\s\S])/g, (_, c: string) => (c === "n" ? "\n" : c))).toBe(said);
        },
      ),
    );
  });
});

describe("the parser of this test", () => {
  it.each([
    "a 1",
    "# HELP a x\n# TYPE a gauge\na 1",
    "# HELP a x\n# TYPE b gauge\nb 1\n",
    "# HELP a x\n# TYPE a gauge\n",
    "# HELP a x\n# TYPE a gauge\na one\n",
    "# HELP a x\n# TYPE a gauge\na 1\na 2\n",
    '# HELP a x\n# TYPE a gauge\na{b="c} 1\n',
    '# HELP a x\n# TYPE a gauge\na{b="c",b="d"} 1\n',
    '# HELP a x\n# TYPE a gauge\na{b="c"d="e"} 1\n',
    "# HELP a_total x\n# TYPE a_total gauge\na_total 1\n",
  ])("refuses %j", (text) => {
    expect(() => parseExposition(text)).toThrow();
  });
});
