import type { Run } from "./measure.ts";
import type { Measured } from "./results.ts";
import { SCHEMES, type Scheme } from "./server.ts";

interface Extent {
  readonly kernels: number;
  readonly updates: number;
  readonly rounds: number;
}

export const FLOOR = "node -e 0";
export const BARE = "bare GET";
export const OURS = "rebootless";

const HEAD = ["requests", "up", "down", "wall ms", "cpu ms", "rss MB", "cpu/bare"];
const WIDTHS = [8, 8, 8, 9, 9, 8, 11] as const;

const out = (text: string) => process.stdout.write(`${text}\n`);
const round = (value: number, digits = 2) => Number(value.toFixed(digits));

/** Prints a table, and the same as one line of JSON. */
export function report({ kernels, updates, rounds }: Extent, measured: readonly Measured[]): void {
  out(
    `medians of ${rounds} rounds; ${kernels} kernels with ${updates} updates each; bytes with headers and TLS`,
  );
  line("", HEAD);
  line(FLOOR, cells(find(measured, { name: FLOOR })));
  for (const scheme of SCHEMES) {
    const bare = find(measured, { name: BARE, scheme });
    for (const { name, news, run } of measured.filter((row) => row.scheme === scheme)) {
      line([`${scheme}: ${name}`, ...(news ? [news] : [])].join(", "), cells(run, bare));
    }
  }
  out(
    JSON.stringify({
      bench: "poll",
      node: process.version,
      kernels,
      rounds,
      floor: figures(find(measured, { name: FLOOR })),
      ...Object.fromEntries(SCHEMES.map((scheme) => [scheme, ofScheme(measured, scheme)])),
    }),
  );
}

function line(name: string, texts: readonly string[]): void {
  out(`${name.padEnd(34)}${texts.map((text, i) => text.padStart(WIDTHS[i] ?? 0)).join("")}`);
}

function find(measured: readonly Measured[], { name, scheme, news }: Omit<Measured, "run">): Run {
  const row = measured.find((one) => one.name === name && one.scheme === scheme && one.news === news);
  if (!row) throw new Error(`${name} was not measured`);
  return row.run;
}

const cells = (run: Run, bare?: Run): readonly string[] => [
  ...[run.requests, run.up, run.down].map(String),
  ...[run.wallMs, run.cpuMs, run.rssMb].map((value) => value.toFixed(0)),
  bare ? (run.cpuMs / bare.cpuMs).toFixed(2) : "",
];

const figures = (run: Run) => ({
  cpu_ms: round(run.cpuMs, 1),
  wall_ms: round(run.wallMs, 1),
  rss_mb: round(run.rssMb, 1),
  requests: run.requests,
  up_bytes: run.up,
  down_bytes: run.down,
});

function ofScheme(measured: readonly Measured[], scheme: Scheme) {
  const bare = find(measured, { name: BARE, scheme });
  const unchanged = find(measured, { name: OURS, scheme, news: "unchanged" });
  const changed = find(measured, { name: OURS, scheme, news: "changed" });
  const polls = measured.filter((row) => row.scheme === scheme && row.news !== undefined);
  const names = [...new Set(polls.map(({ name }) => name))];
  const ofClient = (client: string) =>
    Object.fromEntries(
      polls.filter(({ name }) => name === client).map(({ news, run }) => [news, figures(run)]),
    );
  return {
    unchanged_cpu_to_bare: round(unchanged.cpuMs / bare.cpuMs),
    changed_cpu_to_unchanged: round(changed.cpuMs / unchanged.cpuMs),
    bare: figures(bare),
    clients: Object.fromEntries(names.map((name) => [name, ofClient(name)])),
  };
}
