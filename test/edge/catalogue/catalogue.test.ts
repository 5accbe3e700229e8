import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  type Catalogue,
  MAX_CHANGES,
  MAX_FOUND,
  MAX_NAMED,
  PAGE,
} from "../../../edge/catalogue/catalogue.ts";
import { parsePositionCursor } from "../../../edge/catalogue/cursors.ts";
import type { HoldingListPage, KernelEntry, UpdateEntry } from "../../../edge/catalogue/entry.ts";
import { MemoryCatalogue } from "../../../edge/catalogue/memory_catalogue.ts";
import { ALL, parseQuery } from "../../../edge/catalogue/query.ts";
import { type BuildId, buildId, updateId } from "../../../shared/brand.ts";
import { LISTING_PAGE } from "../../../shared/feed/listing.ts";
import { instant } from "../../../shared/time.ts";

/** The catalogue's own object in workerd, called by its methods' names. */
const CALLER = `
import { CatalogueObject } from "./edge/cloudflare/catalogue.ts";
import { FIRST_FORM } from "./test/support/edge/first_catalogue.ts";
export { CatalogueObject };
/** What an object finds that was made by the first program. */
export class OldCatalogue extends CatalogueObject {
  constructor(ctx, env) {
    const { sql } = ctx.storage;
    const isNew = sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'kernels'").toArray().length === 0;
    if (isNew) for (const statement of FIRST_FORM) sql.exec(statement);
    super(ctx, env);
  }
}
export default { async fetch(request, env) {
  const { name, method, args } = await request.json();
  const namespace = name === "old" ? env.OLD_CATALOGUE : env.CATALOGUE;
  const object = namespace.get(namespace.idFromName(name));
  return Response.json({ value: await object[method](...args) });
} }`;

let miniflare: Miniflare;
let opened = 0;
beforeAll(async () => {
  const { outputFiles } = await build({
    stdin: { contents: CALLER, resolveDir: ".", loader: "js" },
    bundle: true,
    write: false,
    format: "esm",
    external: ["cloudflare:workers"],
  });
  miniflare = new Miniflare({
    cf: false,
    modules: [{ type: "ESModule", path: "caller.js", contents: outputFiles[0]?.text ?? "" }],
    compatibilityDate: "2026-04-01",
    durableObjects: {
      CATALOGUE: { className: "CatalogueObject", useSQLite: true },
      OLD_CATALOGUE: { className: "OldCatalogue", useSQLite: true },
    },
  });
  await miniflare.ready;
});
afterAll(() => miniflare.dispose());

function inWorkerd(name = `catalogue-${opened++}`): Catalogue {
  const call = async (method: string, args: readonly unknown[]) => {
    const body = JSON.stringify({ name, method, args });
    const response = await miniflare.dispatchFetch("http://caller.test/", { method: "POST", body });
    return ((await response.json()) as { value?: unknown }).value;
  };
  return new Proxy({} as Catalogue, {
    get: (_, method) => (method === "then" ? undefined : (...args: unknown[]) => call(String(method), args)),
  });
}

const kinds: readonly (readonly [string, () => Catalogue])[] = [
  ["memory", () => new MemoryCatalogue()],
  ["SQLite in workerd", () => inWorkerd()],
];

const NOW = instant(1_767_225_600_000);
const id = (n: number): BuildId => buildId(n.toString(16).padStart(40, "0"));
const update = (name: string, extra: Partial<UpdateEntry> = {}): UpdateEntry => ({
  id: updateId(name),
  summary: `Mends ${name}`,
  cves: [],
  published: NOW,
  recalled: null,
  ...extra,
});
const entry = (
  n: number,
  version: number,
  updates: readonly UpdateEntry[],
  release = "6.1.0-56",
): KernelEntry => ({
  kernel: {
    buildId: id(n),
    release,
    architecture: "x86_64",
    distribution: "Debian 12",
    banner: `Linux version ${release} (x) #${n} SMP`,
  },
  version,
  recorded: NOW,
  updates,
});

describe.each(kinds)("a catalogue in %s", (_, open) => {
  let catalogue: Catalogue;
  beforeEach(() => {
    catalogue = open();
  });
  const idsOf = async (pasted: string) =>
    (await catalogue.kernels(parseQuery(pasted), null)).kernels.map(({ kernel }) => kernel.buildId);

  const held = async (name: string) =>
    (await catalogue.holdersOf(updateId(name), null)).holdings.map(({ line, update: has }) => [
      line.kernel.buildId,
      has.summary,
      has.recalled,
    ]);
  const fixed = async (cve: string) =>
    (await catalogue.fixesOf(cve, null)).holdings.map(({ line }) => line.kernel.buildId);

  it("has nothing at first", async () => {
    expect(await catalogue.kernels(ALL, null)).toEqual({ kernels: [], next: null });
    expect((await catalogue.entry(id(1), PAGE)) ?? undefined).toBeUndefined();
    expect(await held("a")).toEqual([]);
    expect(await fixed("CVE-2026-1000")).toEqual([]);
    expect(await catalogue.cves(null)).toEqual({ cves: [], next: null });
    expect(await catalogue.updates(parseQuery("a"))).toEqual([]);
    expect(await catalogue.versions([id(1), id(2)])).toEqual([0, 0]);
    expect(await catalogue.changes()).toEqual([]);
    expect(await catalogue.totals()).toMatchObject({ kernels: 0, updates: 0 });
  });

  it("gives back what was recorded", async () => {
    const one = entry(1, 3, [
      update("a", { cves: ["CVE-2026-1000"] }),
      update("b", { recalled: "it hangs" }),
    ]);
    await catalogue.record([one]);
    expect((await catalogue.kernels(ALL, null)).kernels).toEqual([
      { kernel: one.kernel, updates: 1, recorded: NOW },
    ]);
    expect(await catalogue.entry(id(1), PAGE)).toEqual(one);
    const line = { kernel: one.kernel, updates: 1, recorded: NOW };
    const holding = (n: number) => ({ line, update: one.updates[n] });
    expect(await catalogue.holdersOf(updateId("b"), null)).toEqual({ holdings: [holding(1)], next: null });
    expect(await catalogue.fixesOf("CVE-2026-1000", null)).toEqual({ holdings: [holding(0)], next: null });
    expect(await catalogue.versions([id(1)])).toEqual([3]);
    expect(await catalogue.totals()).toMatchObject({
      kernels: 1,
      updates: 2,
      lastChange: { number: 1, version: 3 },
    });
  });

  it("never goes back, and says what a publish changed", async () => {
    await catalogue.record([entry(1, 2, [update("a")])]);
    await catalogue.record([entry(1, 1, [])]);
    await catalogue.record([entry(1, 2, [])]);
    expect((await catalogue.kernels(ALL, null)).kernels[0]?.updates).toBe(1);
    await catalogue.record([entry(1, 5, [update("a", { recalled: "bad" }), update("b")])]);
    const [last, first, ...none] = await catalogue.changes();
    expect(none).toEqual([]);
    expect(first).toMatchObject({ number: 1, version: 2, added: ["a"], recalled: [] });
    expect(last).toMatchObject({
      number: 2,
      version: 5,
      added: ["b"],
      recalled: ["a"],
      kernel: { buildId: id(1) },
    });
    expect(await held("a")).toEqual([[id(1), "Mends a", "bad"]]);
  });

  it("forgets what an update is no more, for a kernel and for a CVE", async () => {
    await catalogue.record([entry(1, 1, [update("a", { cves: ["CVE-2026-1000", "CVE-2026-1001"] })])]);
    await catalogue.record([entry(1, 2, [update("a", { cves: ["CVE-2026-1001"] })])]);
    expect(await fixed("CVE-2026-1000")).toEqual([]);
    expect((await catalogue.cves(null)).cves.map(({ cve }) => cve)).toEqual(["CVE-2026-1001"]);
    await catalogue.record([entry(1, 3, [])]);
    expect(await held("a")).toEqual([]);
    expect(await catalogue.cves(null)).toEqual({ cves: [], next: null });
    expect(await catalogue.totals()).toMatchObject({ kernels: 1, updates: 0 });
  });

  it("says of each kernel what its own publisher said, whoever else took the same id", async () => {
    const honest = update("fix", { summary: "The honest one", cves: ["CVE-2026-1000"] });
    await catalogue.record([entry(1, 1, [honest]), entry(2, 1, [honest])]);
    await catalogue.record([
      entry(3, 1, [update("fix", { summary: "Another", recalled: "gone", published: instant(NOW + 1) })]),
    ]);
    expect(await held("fix")).toEqual([
      [id(1), "The honest one", null],
      [id(2), "The honest one", null],
      [id(3), "Another", "gone"],
    ]);
    expect(await fixed("CVE-2026-1000")).toEqual([id(1), id(2)]);
    expect((await catalogue.cves(null)).cves).toEqual([
      { cve: "CVE-2026-1000", updates: [{ id: "fix", recalled: false }], more: false },
    ]);
    expect(await catalogue.totals()).toMatchObject({ kernels: 3, updates: 1 });

    await catalogue.record([entry(3, 2, [update("fix", { summary: "Third", cves: ["CVE-2026-1000"] })])]);
    await catalogue.record([entry(3, 3, [])]);
    expect(await held("fix")).toEqual([
      [id(1), "The honest one", null],
      [id(2), "The honest one", null],
    ]);
    expect(await fixed("CVE-2026-1000")).toEqual([id(1), id(2)]);
    await catalogue.record([entry(1, 2, []), entry(2, 2, [])]);
    expect(await catalogue.totals()).toMatchObject({ kernels: 3, updates: 0 });
  });

  it("takes a release that changed, and publishes that say the same", async () => {
    await catalogue.record([entry(1, 1, [update("a")]), entry(2, 1, [update("a")], "6.1.0-40")]);
    await catalogue.record([entry(1, 2, [update("a")], "6.1.0-30")]);
    expect((await held("a")).map(([kernel]) => kernel)).toEqual([id(1), id(2)]);
    const later = instant(NOW + 5);
    await catalogue.record([entry(2, 2, [update("a", { published: later })], "6.1.0-40")]);
    const { holdings } = await catalogue.holdersOf(updateId("a"), null);
    expect(holdings.map(({ update: { published } }) => published)).toEqual([NOW, later]);
  });

  it("lists CVEs, the newest number first, with what fixes them", async () => {
    const cves = Array.from({ length: PAGE + 3 }, (_, n) => `CVE-2025-${9_990 + n}`);
    await catalogue.record([
      entry(1, 1, [
        update("all", { cves: [...cves, "CVE-2026-0999", "CVE-2024-20000"] }),
        ...Array.from({ length: MAX_NAMED }, (_, n) => update(`one-${n}`, { cves: ["CVE-2026-0999"] })),
        update("bad", { cves: ["CVE-2024-20000"], recalled: "it hangs" }),
        update("worse", { cves: ["CVE-2024-1111"], recalled: "it hangs" }),
      ]),
    ]);
    const first = await catalogue.cves(null);
    expect(first.cves[0]).toMatchObject({ cve: "CVE-2026-0999", more: true });
    expect(first.cves[0]?.updates).toHaveLength(MAX_NAMED);
    expect(first.cves[1]?.cve).toBe(cves.at(-1));
    const second = await catalogue.cves(first.next);
    expect(second.next).toBeNull();
    expect([...first.cves, ...second.cves].map(({ cve }) => cve)).toEqual([
      "CVE-2026-0999",
      ...cves.toReversed(),
      "CVE-2024-20000",
      "CVE-2024-1111",
    ]);
    expect(second.cves.slice(-2)).toEqual([
      {
        cve: "CVE-2024-20000",
        updates: [
          { id: "all", recalled: false },
          { id: "bad", recalled: true },
        ],
        more: false,
      },
      { cve: "CVE-2024-1111", updates: [{ id: "worse", recalled: true }], more: false },
    ]);
  });

  it("finds updates by a CVE, an id and words of a summary", async () => {
    const tls = update("net-tls-7", { summary: "A record that ends early", cves: ["CVE-2026-1000"] });
    await catalogue.record([entry(1, 1, [tls, update("ext4-1", { recalled: "it hangs" })], "6.1.0-9")]);
    await catalogue.record([entry(2, 1, [tls, update("tls")], "6.1.0-8")]);
    const found = async (text: string) =>
      (await catalogue.updates(parseQuery(text))).map(
        (one) => `${one.update.id} ${one.kernel.release} ${one.others}`,
      );
    expect(await found("cve-2026-1000")).toEqual(["net-tls-7 6.1.0-8 true"]);
    expect(await found("CVE-2026-100")).toEqual(["net-tls-7 6.1.0-8 true"]);
    expect(await found("net-TLS-7")).toEqual(["net-tls-7 6.1.0-8 true"]);
    expect(await found("tls")).toEqual(["tls 6.1.0-8 false", "net-tls-7 6.1.0-8 true"]);
    expect(await found("early record")).toEqual(["net-tls-7 6.1.0-8 true"]);
    expect(await found("ext4")).toEqual(["ext4-1 6.1.0-9 false"]);
    for (const none of ["", "CVE-2026-2000", "record late", "%", "_", "' OR 1=1 --", "\u0000"])
      expect(await found(none)).toEqual([]);
    expect(await idsOf("CVE-2026-1000")).toEqual([]);
    const many = Array.from({ length: MAX_FOUND + 5 }, (_, n) => update(`many-${n}`));
    await catalogue.record([entry(3, 1, many)]);
    expect(await found("many")).toHaveLength(MAX_FOUND);
  });

  it("finds kernels by what people paste", async () => {
    await catalogue.record([entry(0xab12cd34, 1, [], "6.12.117+deb12")]);
    await catalogue.record([entry(2, 1, [], "6.1.0-56")]);
    await catalogue.record([entry(3, 1, [], "6.1.0-56")]);
    expect(await idsOf("6.12.117")).toEqual([id(0xab12cd34)]);
    expect(await idsOf("debian")).toEqual([id(2), id(3), id(0xab12cd34)]);
    expect(await idsOf("0000000000000000")).toHaveLength(3);
    expect(await idsOf(id(3))).toEqual([id(3)]);
    expect(await idsOf("Linux host 6.1.0-56 #3 SMP x86_64 GNU/Linux")).toEqual([id(3)]);
    expect(await idsOf("Linux host 6.1.0-56 #4 SMP x86_64 GNU/Linux")).toEqual([]);
    for (const odd of ["%", "_", "' OR 1=1 --", "\u0000", "6.1.0-56\n"]) {
      expect(await idsOf(odd)).toEqual(odd.startsWith("6") ? [id(2), id(3)] : []);
    }
  });

  it("turns pages", async () => {
    const count = 2 * PAGE + 7;
    for (let n = 1; n <= count; n++)
      await catalogue.record([entry(n, 1, [update("a")], n % 2 ? "6.1" : "6.12")]);
    const seen: string[] = [];
    let next: BuildId | null = null;
    do {
      const page = await catalogue.kernels(ALL, next);
      seen.push(...page.kernels.map(({ kernel }) => `${kernel.release} ${kernel.buildId}`));
      next = page.next;
    } while (next !== null);
    expect(seen).toHaveLength(count);
    expect(seen).toEqual([...new Set(seen)].sort());
    expect((await catalogue.kernels(ALL, id(9999))).kernels).toHaveLength(PAGE);
  });

  it("turns pages of kernels that have an update, those that have the same together", async () => {
    const count = 2 * PAGE + 7;
    const kinds = [
      update("a", { cves: ["CVE-2026-1000"] }),
      update("a", { summary: "Another", cves: ["CVE-2026-1000"], recalled: "bad" }),
      update("a", { summary: "A third", cves: ["CVE-2026-1000"] }),
    ];
    for (let n = 1; n <= count; n++) {
      const mine = kinds[n % 3] as UpdateEntry;
      await catalogue.record([entry(n, 1, [mine, update("b", { cves: mine.cves })], n % 2 ? "6.1" : "6.12")]);
    }
    for (const [expected, turn] of [
      [
        count,
        (after: string | null) => catalogue.holdersOf(updateId("a"), parsePositionCursor(after ?? undefined)),
      ],
      [
        2 * count,
        (after: string | null) => catalogue.fixesOf("CVE-2026-1000", parsePositionCursor(after ?? undefined)),
      ],
    ] as const) {
      const seen: string[] = [];
      const groups: string[] = [];
      let next: string | null = null;
      do {
        const page: HoldingListPage = await turn(next);
        expect(page.holdings.length).toBeLessThanOrEqual(PAGE);
        for (const { line, update: has } of page.holdings) {
          const group = `${has.id} ${has.summary}`;
          if (group !== groups.at(-1)) groups.push(group);
          seen.push(`${groups.length} ${line.kernel.release} ${line.kernel.buildId}`);
        }
        next = page.next;
      } while (next !== null);
      expect(seen).toHaveLength(expected);
      expect(seen).toEqual([...new Set(seen)].sort());
      expect(groups.slice(0, 3)).toEqual(["a A third", "a Mends a", "a Another"]);
    }
    expect((await catalogue.holdersOf(updateId("a"), parsePositionCursor("x"))).holdings).toHaveLength(PAGE);
  });

  it("keeps only so many changes", async () => {
    for (let version = 1; version <= MAX_CHANGES + 5; version++)
      await catalogue.record([entry(1, version, [])]);
    const changes = await catalogue.changes();
    expect(changes).toHaveLength(MAX_CHANGES);
    expect(changes[0]?.number).toBe(MAX_CHANGES + 5);
    expect(changes.at(-1)?.number).toBe(6);
  });

  it("lists what changed since, each kernel once, and nothing is ever left out", async () => {
    const count = LISTING_PAGE + 3;
    for (let n = 1; n <= count; n++) await catalogue.record([entry(n, 1, [])]);
    const first = await catalogue.changedSince(null);
    expect([first.kernels.length, first.more]).toEqual([LISTING_PAGE, true]);
    expect(first.kernels[0]).toEqual({
      buildId: id(1),
      release: "6.1.0-56",
      distribution: "Debian 12",
      version: 1,
    });
    const rest = await catalogue.changedSince(first.next);
    expect([rest.kernels.map(({ buildId }) => buildId), rest.more]).toEqual([
      [id(count - 2), id(count - 1), id(count)],
      false,
    ]);
    const none = await catalogue.changedSince(rest.next);
    expect(none).toEqual({ kernels: [], next: rest.next, more: false });

    await catalogue.record([entry(7, 2, [])]);
    await catalogue.record([entry(5, 2, [])]);
    await catalogue.record([entry(7, 3, [])]);
    const changed = await catalogue.changedSince(rest.next);
    expect(changed.kernels.map(({ buildId, version }) => [buildId, version])).toEqual([
      [id(5), 2],
      [id(7), 3],
    ]);
    const other = `${"0".repeat(16)}.${rest.next.split(".")[1]}`;
    for (const odd of [other, "", "x", `${rest.next}0000000000000000`])
      expect((await catalogue.changedSince(odd)).kernels).toHaveLength(LISTING_PAGE);
  });
});

describe("a catalogue that an older program left", () => {
  it("is taken over with what it has, and made again kernel by kernel", async () => {
    const catalogue = inWorkerd("old");
    expect(await catalogue.totals()).toMatchObject({ kernels: 2, updates: 2 });
    const before = await catalogue.changedSince(null);
    expect(before.kernels.map(({ buildId }) => buildId)).toEqual([id(1), id(2)]);
    const { holdings } = await catalogue.holdersOf(updateId("fix"), null);
    expect(holdings.map(({ line, update: has }) => [line.kernel.buildId, has.summary, has.recalled])).toEqual(
      [
        [id(1), "Whatever came last", null],
        [id(2), "Whatever came last", "bad"],
      ],
    );
    const fixes = await catalogue.fixesOf("CVE-2026-12345", null);
    expect(fixes.holdings.map(({ line }) => line.kernel.buildId)).toEqual([id(1), id(2)]);
    expect((await catalogue.cves(null)).cves.map(({ cve }) => cve)).toEqual([
      "CVE-2026-12345",
      "CVE-2026-1000",
    ]);
    expect((await catalogue.updates(parseQuery("whatever")))[0]?.update.id).toBe("fix");

    expect(await catalogue.versions([id(1), id(2)])).toEqual([0, 0]);
    expect((await catalogue.entry(id(1), PAGE)) ?? undefined).toBeUndefined();
    const honest = update("fix", { summary: "The honest one", cves: ["CVE-2026-12345"] });
    await catalogue.record([entry(1, 3, [honest, update("other")]), entry(2, 1, [])]);
    expect(await catalogue.versions([id(1), id(2)])).toEqual([3, 0]);
    const after = await catalogue.holdersOf(updateId("fix"), null);
    expect(after.holdings.map(({ update: has }) => has.summary)).toEqual([
      "The honest one",
      "Whatever came last",
    ]);
    expect(await catalogue.changes()).toHaveLength(2);
    expect(await catalogue.changedSince(before.next)).toMatchObject({ kernels: [], more: false });
  });
});
