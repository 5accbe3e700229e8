import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, symlink, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Miniflare, Headers as MiniflareHeaders } from "miniflare";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { r2Store } from "../../../edge/cloudflare/r2.ts";
import { fileStore } from "../../../edge/node/files.ts";
import { MemoryStore } from "../../../edge/store/memory_store.ts";
import type { Store } from "../../../edge/store/store.ts";
import { sha256Of } from "../../../node/crypto.ts";
import { equalBytes, utf8 } from "../../../shared/bytes.ts";
import { projectRoot } from "../../support/guest/machine.ts";

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

type RateBucket = Parameters<typeof r2Store>[0];

/** Miniflare's way into workerd carries its own Headers only. */
async function bucket(): Promise<RateBucket> {
  const real = (await miniflare.getR2Bucket("FEED")) as unknown as RateBucket;
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
    const sha256 = sha256Of(utf8("one"));
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
    expect(part).toMatchObject({ length: 10, sha256: sha256Of(utf8("0123456789")) });
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

  it("holds large ones: whole, in part, replaced and deleted", async () => {
    const [one, two] = [random(300_000), random(200_000)];
    expect(await store.create("large", one, { n: "1" })).toBe("created");
    for (let look = 0; look < 2; look++) {
      expect(await store.head("large")).toMatchObject({ length: one.length, notes: { n: "1" } });
      expect(equalBytes(await wholeOf(store, "large"), one)).toBe(true);
    }
    const part = (await store.get("large", { start: 100_000, end: 299_999 }))?.stream();
    const streamed = new Uint8Array(await new Response(part).arrayBuffer());
    expect(equalBytes(streamed, one.subarray(100_000, 299_999))).toBe(true);
    const revision = (await store.head("large"))?.revision ?? "";
    expect(await store.replace("large", revision, two, { n: "2" })).toBe("replaced");
    expect(await store.head("large")).toMatchObject({ length: two.length, notes: { n: "2" } });
    expect(equalBytes(await wholeOf(store, "large"), two)).toBe(true);
    expect(await store.replace("large", revision, one)).toBe("stale");
    await store.delete("large");
    expect(await store.head("large")).toBeUndefined();
    expect(await store.get("large")).toBeUndefined();
  });

  it("deletes", async () => {
    await store.create("gone", utf8("x"));
    await store.delete("gone");
    expect(await store.head("gone")).toBeUndefined();
    expect(await store.create("gone", utf8("y"))).toBe("created");
  });
});

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const wholeOf = async (store: Store, key: string): Promise<Uint8Array> =>
  (await (await store.get(key))?.bytes()) ?? new Uint8Array();

describe("a store in files", () => {
  it.each([0, 1, 15_000, 16 * 1024, 20_000, 70_000])(
    "reads %d bytes that another process wrote",
    async (length) => {
      const folder = await mkdtemp(join(tmpdir(), "store-"));
      const bytes = random(length);
      await fileStore(folder).create("a/file", bytes, { n: "1" });
      const store = fileStore(folder);
      expect(await store.head("a")).toBeUndefined();
      expect(equalBytes(await wholeOf(store, "a/file"), bytes)).toBe(true);
      expect(await store.head("a/file")).toMatchObject({ length, notes: { n: "1" } });
      await truncate(join(folder, "a/file"), 50);
      await expect(fileStore(folder).get("a/file")).rejects.toThrow();
    },
  );

  it("follows no link and waits for no pipe, to read, to write, to list or to delete", async () => {
    const folder = await mkdtemp(join(tmpdir(), "store-"));
    const outside = await mkdtemp(join(tmpdir(), "outside-"));
    await fileStore(outside).create("secret", random(10));
    const store = fileStore(folder);
    await store.create("a/file", random(10));
    await symlink(join(outside, "secret"), join(folder, "a/link"));
    await symlink(outside, join(folder, "out"));
    await symlink(folder, join(folder, "round"));
    execFileSync("mkfifo", [join(folder, "a/pipe")]);
    for (const key of ["a/link", "out/secret", "a/pipe"]) {
      await expect(store.get(key), key).rejects.toMatchObject({ code: "io" });
    }
    await expect(store.create("out/new", random(10))).rejects.toMatchObject({ code: "trust" });
    await store.delete("out/secret");
    expect(await readdir(outside)).toEqual(["=new", "secret"]);
    expect((await store.list("")).files.map(({ key }) => key)).toEqual(["a/file"]);
  });

  it("says so and keeps nothing where a file does not fit", async () => {
    const folder = await mkdtemp(join(tmpdir(), "store-"));
    const script = `
      import { fileStore } from ${JSON.stringify(join(projectRoot, "edge/node/files.ts"))};
      const store = fileStore(${JSON.stringify(folder)});
      await store.create("small", new Uint8Array(1000));
      await store.create("large", new Uint8Array(1_000_000)).catch((error) => console.log(error.code));
      console.log(await store.head("large"));
    `;
    const node = [process.execPath, "--import", "tsx", "--input-type=module", "-e", script];
    // In kilobytes: a write that goes past it is cut short, as on a disk that is full.
    const { stdout } = await promisify(execFile)(
      "bash",
      ["-c", 'ulimit -f 100; exec "$@"', "bash", ...node],
      {
        cwd: projectRoot,
      },
    );
    expect(stdout).toBe("io\nundefined\n");
    expect((await readdir(folder, { recursive: true })).sort()).toEqual(["=new", "small"]);
  });
});
