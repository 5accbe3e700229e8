import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Catalogue, MAX_CHANGES, PAGE } from "../../edge/catalogue/catalogue.ts";
import type { Entry, UpdateEntry } from "../../edge/catalogue/entry.ts";
import { MemoryCatalogue } from "../../edge/catalogue/memory.ts";
import { parseQuery } from "../../edge/catalogue/query.ts";
import { type BuildId, buildId, updateId } from "../../shared/brand.ts";
import { LISTING_PAGE } from "../../shared/feed/listing.ts";
import { instant } from "../../shared/time.ts";

/** The catalogue's own object in workerd, called by its methods' names. */
const CALLER = `
export { CatalogueObject } from "./edge/catalogue/object.ts";
export default { async fetch(request, env) {
  const { name, method, args } = await request.json();
  const object = env.CATALOGUE.get(env.CATALOGUE.idFromName(name));
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
    durableObjects: { CATALOGUE: { className: "CatalogueObject", useSQLite: true } },
  });
  await miniflare.ready;
});
afterAll(() => miniflare.dispose());

function inWorkerd(): Catalogue {
  const name = `catalogue-${opened++}`;
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
  ["SQLite in workerd", inWorkerd],
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
const entry = (n: number, version: number, updates: readonly UpdateEntry[], release = "6.1.0-56"): Entry => ({
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

  it("has nothing at first", async () => {
    expect(await catalogue.kernels({}, null)).toEqual({ kernels: [], next: null });
    expect((await catalogue.update(updateId("a"))) ?? undefined).toBeUndefined();
    expect(await catalogue.updatesFor("CVE-2026-1000")).toEqual([]);
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
    expect((await catalogue.kernels({}, null)).kernels).toEqual([
      { kernel: one.kernel, updates: 1, recorded: NOW },
    ]);
    expect(await catalogue.update(updateId("b"))).toEqual(one.updates[1]);
    expect(await catalogue.updatesFor("CVE-2026-1000")).toEqual([one.updates[0]]);
    expect((await catalogue.kernelsWith(updateId("a"), null)).kernels).toHaveLength(1);
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
    expect((await catalogue.kernels({}, null)).kernels[0]?.updates).toBe(1);
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
    expect((await catalogue.update(updateId("a")))?.recalled).toBe("bad");
  });

  it("forgets what an update is no more, for a kernel and for a CVE", async () => {
    await catalogue.record([entry(1, 1, [update("a", { cves: ["CVE-2026-1000", "CVE-2026-1001"] })])]);
    await catalogue.record([entry(1, 2, [update("a", { cves: ["CVE-2026-1001"] })])]);
    expect(await catalogue.updatesFor("CVE-2026-1000")).toEqual([]);
    await catalogue.record([entry(1, 3, [])]);
    expect((await catalogue.kernelsWith(updateId("a"), null)).kernels).toEqual([]);
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
    for (const turn of [
      (after: BuildId | null) => catalogue.kernels({}, after),
      (after: BuildId | null) => catalogue.kernelsWith(updateId("a"), after),
    ]) {
      const seen: string[] = [];
      let next: BuildId | null = null;
      do {
        const page = await turn(next);
        seen.push(...page.kernels.map(({ kernel }) => `${kernel.release} ${kernel.buildId}`));
        next = page.next;
      } while (next !== null);
      expect(seen).toHaveLength(count);
      expect(seen).toEqual([...new Set(seen)].sort());
    }
    expect((await catalogue.kernels({}, id(9999))).kernels).toHaveLength(PAGE);
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
