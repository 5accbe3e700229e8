import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Miniflare, Headers as MiniflareHeaders } from "miniflare";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileStore } from "../../edge/node/files.ts";
import { MemoryStore } from "../../edge/store/memory.ts";
import { r2Store } from "../../edge/store/r2.ts";
import type { Store } from "../../edge/store/store.ts";
import { utf8 } from "../../shared/bytes.ts";
import { sha256Of } from "../../shared/crypto/digest.ts";

let miniflare: Miniflare;
beforeAll(async () => {
  miniflare = new Miniflare({
    cf: false,
    modules: true,
    script: "export default { fetch() { return new Response() } }",
    compatibilityDate: "2026-04-01",
    r2Buckets: ["FEED"],
  });
  await miniflare.ready;
});
afterAll(() => miniflare.dispose());

const kinds: readonly (readonly [string, () => Promise<Store>])[] = [
  ["memory", async () => new MemoryStore()],
  ["files", async () => fileStore(await mkdtemp(join(tmpdir(), "store-")))],
  ["R2", async () => r2Store(await bucket())],
];

type Bucket = Parameters<typeof r2Store>[0];

/** Miniflare's way into workerd carries its own Headers only. */
async function bucket(): Promise<Bucket> {
  const real = (await miniflare.getR2Bucket("FEED")) as unknown as Bucket;
  const put = (key: string, bytes: Uint8Array, options: { onlyIf?: unknown }) => {
    const { onlyIf } = options;
    const carried = onlyIf instanceof Headers ? new MiniflareHeaders([...onlyIf]) : onlyIf;
    return real.put(key, bytes, { ...options, onlyIf: carried as never });
  };
  return new Proxy(real, {
    get: (target, name) => (name === "put" ? put : Reflect.get(target, name)),
  });
}

describe.each(kinds)("a store in %s", (_, open) => {
  let store: Store;
  beforeAll(async () => {
    store = await open();
  });

  it("has nothing under a key that nobody wrote", async () => {
    expect(await store.head("none")).toBeUndefined();
    expect(await store.get("none")).toBeUndefined();
    await store.delete("none");
  });

  it("gives back bytes, digest, length and notes", async () => {
    expect(await store.create("a/b.json", utf8("one"), { root: "1" })).toBe("created");
    const sha256 = await sha256Of(utf8("one"));
    const expected = { sha256, length: 3, notes: { root: "1" } };
    expect(await store.head("a/b.json")).toMatchObject(expected);
    const file = await store.get("a/b.json");
    expect(file).toMatchObject(expected);
    expect(await file?.bytes()).toEqual(utf8("one"));
    const streamed = (await store.get("a/b.json"))?.stream();
    expect(await new Response(streamed).text()).toBe("one");
  });

  it("holds what is empty", async () => {
    await store.create("empty", new Uint8Array());
    expect(await (await store.get("empty"))?.bytes()).toEqual(new Uint8Array());
    expect(await new Response((await store.get("empty"))?.stream()).text()).toBe("");
  });

  it("creates once", async () => {
    await store.create("once", utf8("first"));
    expect(await store.create("once", utf8("second"))).toBe("exists");
    expect(await (await store.get("once"))?.bytes()).toEqual(utf8("first"));
  });

  it("replaces only what was read", async () => {
    await store.create("swap", utf8("1"), { n: "1" });
    const before = (await store.head("swap"))?.revision ?? "";
    expect(await store.replace("swap", before, utf8("2"), { n: "2" })).toBe("replaced");
    expect(await store.replace("swap", before, utf8("3"))).toBe("stale");
    expect(await store.head("swap")).toMatchObject({ notes: { n: "2" }, length: 1 });
    expect(await store.replace("absent", before, utf8("3"))).toBe("stale");
    expect(await store.head("absent")).toBeUndefined();
  });

  it("keeps what it replaces under another name, once, and only where it was that", async () => {
    await store.create("kept/in-force", utf8("1"), { n: "1" });
    const first = (await store.head("kept/in-force"))?.revision ?? "";
    expect(await store.replace("kept/in-force", first, utf8("2"), { n: "2" }, "kept/old")).toBe("replaced");
    expect(await (await store.get("kept/old"))?.bytes()).toEqual(utf8("1"));
    expect(await store.head("kept/old")).toMatchObject({ notes: { n: "1" }, length: 1 });
    expect(await store.replace("kept/in-force", first, utf8("3"), {}, "kept/stale")).toBe("stale");
    expect(await store.head("kept/stale")).toBeUndefined();
    const second = (await store.head("kept/in-force"))?.revision ?? "";
    expect(await store.replace("kept/in-force", second, utf8("3"), {}, "kept/old")).toBe("replaced");
    expect(await (await store.get("kept/old"))?.bytes()).toEqual(utf8("1"));
    expect(await (await store.get("kept/in-force"))?.bytes()).toEqual(utf8("3"));
    expect((await store.list("kept/")).files.map(({ key }) => key)).toEqual(["kept/in-force", "kept/old"]);
  });

  it("gives whoever reads while others write the one or the other", async () => {
    await store.create("busy", utf8("0"));
    let done = false;
    const seen: number[] = [];
    const reading = (async () => {
      while (!done) {
        seen.push(Number(new TextDecoder().decode(await (await store.get("busy"))?.bytes())));
        await new Promise((resolve) => setImmediate(resolve)); // or nobody else gets a turn
      }
    })();
    for (let n = 1; n <= 30; n++) {
      const revision = (await store.head("busy"))?.revision ?? "";
      expect(await store.replace("busy", revision, utf8(String(n)))).toBe("replaced");
      expect(await (await store.get("busy"))?.bytes()).toEqual(utf8(String(n)));
    }
    done = true;
    await reading;
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.length).toBeGreaterThan(1);
  });

  it("lets one of many win", async () => {
    await store.create("race", utf8("0"));
    const revision = (await store.head("race"))?.revision ?? "";
    const racers = Array.from({ length: 10 }, (_, i) => store.replace("race", revision, utf8(`r${i}`)));
    expect((await Promise.all(racers)).filter((done) => done === "replaced")).toHaveLength(1);
    const creators = Array.from({ length: 10 }, (_, i) => store.create("born", utf8(`b${i}`)));
    expect((await Promise.all(creators)).filter((done) => done === "created")).toHaveLength(1);
  });

  it("gives a part of the bytes, and the whole's digest and length", async () => {
    await store.create("part", utf8("0123456789"));
    const part = await store.get("part", { start: 2, end: 5 });
    expect(await part?.bytes()).toEqual(utf8("234"));
    expect(part).toMatchObject({ length: 10, sha256: await sha256Of(utf8("0123456789")) });
    const last = await store.get("part", { start: 9, end: 10 });
    expect(await new Response(last?.stream()).text()).toBe("9");
  });

  it("lists everything below a prefix, page after page, with notes", async () => {
    const keys = Array.from({ length: 1203 }, (_, i) => `list/${String(i).padStart(5, "0")}`);
    for (let at = 0; at < keys.length; at += 100) {
      await Promise.all(
        keys.slice(at, at + 100).map((key) => store.create(key, utf8(key), { n: key.slice(5) })),
      );
    }
    await store.create("lisu", utf8("not below"));
    const found: string[] = [];
    let pages = 0;
    let next: string | undefined;
    do {
      const page = await store.list("list/", next);
      for (const { key, notes, length } of page.files) {
        expect([notes["n"], length]).toEqual([key.slice(5), key.length]);
        found.push(key);
      }
      next = page.next;
      pages++;
    } while (next !== undefined);
    expect(found).toEqual(keys);
    expect(pages).toBeGreaterThan(1);
    expect(await store.list("nothing/")).toEqual({ files: [], next: undefined });
  });

  it("deletes", async () => {
    await store.create("gone", utf8("x"));
    await store.delete("gone");
    expect(await store.head("gone")).toBeUndefined();
    expect(await store.create("gone", utf8("y"))).toBe("created");
  });
});
