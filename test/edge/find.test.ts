import { beforeAll, describe, expect, it } from "vitest";
import { runMaintenance } from "../../edge/publish/maintenance.ts";
import { sha256Of } from "../../node/crypto.ts";
import { firstRoot } from "../../publisher/keys/root.ts";
import type { BuildId } from "../../shared/brand.ts";
import { encodeManifest } from "../../shared/feed/manifest.ts";
import { type Instant, systemClock } from "../../shared/time.ts";
import { type Answer, json } from "../support/edge/edge.ts";
import { type InProcess, inProcess } from "../support/edge/in_process.ts";
import {
  type Ceremony,
  ceremony,
  manifestOf,
  signedTargets,
  someBuildId,
  updateOf,
} from "../support/edge/repository.ts";

const HTML = { Accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
const MODULE = new Uint8Array([1, 2, 3]);
const HOSTILE = `<script>alert(1)</script>"'&`;
const now: Instant = systemClock();
let made: Ceremony;
let edge: InProcess;
let id: BuildId;

beforeAll(async () => {
  made = await ceremony(now);
  edge = await inProcess(made, () => now);
  id = someBuildId();
  await edge.publisher.stage(MODULE);
  const update = { ...(await updateOf("fix-1", MODULE)), summary: HOSTILE };
  const recalled = { ...(await updateOf("fix-2", MODULE)), recalled: "it hangs", cves: ["CVE-2026-9999"] };
  const manifest = manifestOf(id, [update, recalled]);
  const kernel = {
    ...manifest.kernel,
    distribution: "Debian 12",
    banner: "Linux version 6.1.0-test (x) #7 SMP Debian",
  };
  const bytes = encodeManifest({ ...manifest, kernel });
  const targets = await signedTargets(made, id, bytes);
  expect((await edge.publisher.publish({ buildId: id, base: 0, targets, manifest: bytes })).status).toBe(201);
});

const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
  edge.send("GET", path, { headers });
const text = ({ bytes }: Answer): string => new TextDecoder().decode(bytes);
const paths = () => [
  "/",
  "/kernels",
  "/kernels?q=test",
  `/kernels/${id}`,
  "/updates/fix-1",
  "/cves/CVE-2026-9999",
  "/cves",
  "/kernels?q=CVE-2026-12345",
  "/trust",
  "/install",
  "/verify",
];

describe("every view", () => {
  it("is a page for a browser, and cannot be scripted", async () => {
    for (const path of paths()) {
      const answer = await get(path, HTML);
      expect([path, answer.status, answer.headers.get("content-type")]).toEqual([
        path,
        200,
        "text/html; charset=utf-8",
      ]);
      expect(answer.headers.get("content-security-policy")).toMatch(
        /^default-src 'none'; style-src 'sha256-/,
      );
      expect(answer.headers.get("vary")).toBe("Accept");
      const html = text(answer);
      expect(html).toMatch(/^<!doctype html><html lang="en">/);
      expect(html).not.toContain("<script");
      expect(html).not.toContain("[object ");
    }
  });

  it("is JSON for everybody else", async () => {
    for (const path of paths()) {
      for (const accept of [{}, { Accept: "*/*" }, { Accept: "application/json" }]) {
        const answer = await get(path, accept);
        expect([path, answer.headers.get("content-type")]).toEqual([path, "application/json"]);
        expect(json(answer)["schema"]).toBe(1);
      }
    }
  });

  it("is asked for again by its tag", async () => {
    for (const path of paths()) {
      const etag = (await get(path, HTML)).headers.get("etag") ?? "";
      expect((await get(path, { ...HTML, "If-None-Match": etag })).status).toBe(304);
      expect((await get(path, { "If-None-Match": etag })).status).toBe(200);
    }
  });

  it("names the style sheet that is in it by its digest", async () => {
    const answer = await get("/", HTML);
    const style = /<style>([\s\S]*)<\/style>/.exec(text(answer))?.[1] ?? "";
    const digest = Buffer.from(sha256Of(new TextEncoder().encode(style)), "hex").toString("base64");
    expect(answer.headers.get("content-security-policy")).toContain(`'sha256-${digest}'`);
  });
});

describe("what is found", () => {
  it("a kernel by its release, its build ID and uname -a", async () => {
    const uname = "Linux web 6.1.0-test #7 SMP Debian x86_64 GNU/Linux";
    for (const q of ["6.1.0-test", "debian 12", id, id.slice(0, 10), uname]) {
      const found = json(await get(`/kernels?${new URLSearchParams({ q })}`));
      expect(found).toMatchObject({
        kernels: [{ build_id: id, distribution: "Debian 12", updates: 1 }],
        next: null,
      });
    }
    expect(json(await get("/kernels?q=7.0"))["kernels"]).toEqual([]);
    expect(text(await get("/kernels?q=7.0", HTML))).toContain("Nothing was found");
    expect(text(await get(`/kernels?${new URLSearchParams({ q: HOSTILE })}`, HTML))).toContain(
      "&lt;script&gt;",
    );
  });

  it("a CVE, an update by its id and by words of what it mends", async () => {
    for (const q of ["CVE-2026-12345", "cve-2026-12345 ", "fix-1", "FIX-1", "x-1", "script alert"]) {
      const path = `/kernels?${new URLSearchParams({ q })}`;
      expect([q, json(await get(path))["updates"]]).toEqual([
        q,
        [expect.objectContaining({ id: "fix-1", summary: HOSTILE, release: "6.1.0-test" })],
      ]);
      const html = text(await get(path, HTML));
      expect(html).toContain('href="/updates/fix-1"');
      expect(html).not.toContain("Nothing was found");
    }
    const fixed = await get("/kernels?q=CVE-2026-12345");
    expect(json(fixed)["kernels"]).toEqual([expect.objectContaining({ build_id: id })]);
    const page = text(await get("/kernels?q=CVE-2026-12345", HTML));
    expect(page).toContain('href="/cves/CVE-2026-12345"');
    expect(page).toContain(`href="/kernels/${id}"`);
    const recalled = json(await get("/kernels?q=CVE-2026-9999"));
    expect(recalled).toMatchObject({ kernels: [], updates: [{ id: "fix-2", recalled: "it hangs" }] });
    const none = text(await get("/kernels?q=CVE-2026-7777", HTML));
    expect(none).toContain("No update of this feed fixes CVE-2026-7777");
  });

  it("every CVE that updates name, with the updates and the kernels", async () => {
    expect(json(await get("/cves"))).toMatchObject({
      cves: [
        { cve: "CVE-2026-12345", updates: [{ id: "fix-1", recalled: false }] },
        { cve: "CVE-2026-9999", updates: [{ id: "fix-2", recalled: true }] },
      ],
      next: null,
    });
    const html = text(await get("/cves", HTML));
    expect(html).toContain('href="/cves/CVE-2026-12345"');
    expect(text(await get("/cves/CVE-2026-12345", HTML))).toContain(`href="/kernels/${id}">6.1.0-test</a>`);
    expect(text(await get("/", HTML))).toContain('href="/cves"');
  });

  it("what a kernel has", async () => {
    expect(json(await get(`/kernels/${id}`))).toMatchObject({
      kernel: { build_id: id, release: "6.1.0-test", banner: "Linux version 6.1.0-test (x) #7 SMP Debian" },
      version: 1,
      updates: [
        {
          id: "fix-1",
          summary: HOSTILE,
          recalled: null,
          objects: [{ name: "vmlinux", functions: ["cmdline_proc_show"] }],
        },
        { id: "fix-2", recalled: "it hangs" },
      ],
    });
    const html = text(await get(`/kernels/${id}`, HTML));
    expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(html).toContain("it hangs");
  });

  it("an update and a CVE, across kernels", async () => {
    expect(json(await get("/updates/fix-2"))).toMatchObject({
      update: { id: "fix-2" },
      kernels: [{ build_id: id, update: { recalled: "it hangs" } }],
      next: null,
    });
    expect(json(await get("/cves/CVE-2026-9999"))).toMatchObject({
      updates: [{ id: "fix-2", recalled: "it hangs" }],
      kernels: [{ build_id: id, release: "6.1.0-test", update: { id: "fix-2" } }],
    });
  });

  it("the root, the keys and the thresholds", async () => {
    expect(json(await get("/trust"))).toMatchObject({
      root: { version: 1, sha256: sha256Of(made.root) },
      first_root_sha256: sha256Of(made.root),
      roles: expect.arrayContaining([
        expect.objectContaining({
          name: "targets",
          threshold: 2,
          keyids: made.keys.targets.map((key) => key.id),
        }),
      ]),
      kernels: 1,
      last_change: { version: 1, added: ["fix-1", "fix-2"], recalled: ["fix-2"] },
      first_expiries: null,
    });
  });

  it("the keys with whose they are, in groups that two people can compare", async () => {
    const alice = { ...made.keys.root[0], key: { ...made.keys.root[0]?.key, owner: "Alice <Example" } };
    const owned = { ...made, keys: { ...made.keys, root: [alice, ...made.keys.root.slice(1)] } } as Ceremony;
    const named = { ...alice, key: { ...alice.key, owner: "Alice Example" } };
    const keys = { ...made.keys, root: [named, ...made.keys.root.slice(1)] } as Ceremony["keys"];
    for (const [given, owners] of [
      [{ ...owned, root: firstRoot(owned, () => now) }, {}],
      [
        { ...made, keys, root: firstRoot({ ...made, keys }, () => now) },
        { [alice.id ?? ""]: "Alice Example" },
      ],
    ] as const) {
      const { send } = await inProcess(given, () => now);
      const roles = (json(await send("GET", "/trust")) as { roles: { name: string }[] }).roles;
      expect(roles.find(({ name }) => name === "root")).toMatchObject({ owners });
      const page = text(await send("GET", "/trust", { headers: HTML }));
      expect(page.includes("Alice Example")).toBe(Object.keys(owners).length > 0);
      expect(page).toContain((alice.id ?? "").replace(/.{4}/g, "<span>$&</span>"));
    }
  });

  it("what ends first, once a round has looked", async () => {
    await runMaintenance(edge.deps);
    expect(json(await get("/trust"))).toMatchObject({
      first_expiries: { timestamp: { kernel: id }, snapshot: { kernel: id }, targets: { kernel: id } },
    });
    expect(text(await get("/trust", HTML))).toContain("First targets to expire");
  });

  it("changes, as Atom", async () => {
    const answer = await get("/changes.atom");
    expect(answer.headers.get("content-type")).toBe("application/atom+xml");
    const xml = text(answer);
    expect(xml).toContain(`<id>http://localhost/kernels/${id}#1</id>`);
    expect(xml).toContain("new: fix-1, fix-2; recalled: fix-2");
  });
});

describe("what is not there", () => {
  it.each([`/kernels/${"0".repeat(40)}`, "/updates/none", "/updates/-", "/cves/CVE-2026-0001"])(
    "%s",
    async (path) => {
      expect((await get(path)).status).toBe(404);
      const page = await get(path, HTML);
      expect([page.status, page.headers.get("cache-control")]).toEqual([404, "no-store"]);
      expect(text(page)).toContain("<h1>Not found</h1>");
    },
  );

  it("shows people a page at any address that is wrong, and tells programs why", async () => {
    const wrong: readonly (readonly [string, string, number])[] = [
      ["GET", "/nothing", 404],
      ["GET", "/KERNELS", 404],
      ["GET", "/kernels/", 404],
      ["GET", "/cves/CVE-1", 404],
      ["GET", "//", 404],
      ["GET", `/kernels/${"0".repeat(40)}/feed.json`, 404],
      ["GET", `/artifacts/${"0".repeat(64)}`, 404],
      ["GET", "/root/9.root.json", 404],
      ["GET", "/kernels/timestamps", 400],
      ["POST", "/kernels", 405],
      ["DELETE", "/", 405],
      ["GET", "/publications", 405],
    ];
    for (const [method, path, status] of wrong) {
      const page = await edge.send(method, path, { headers: HTML });
      expect([path, page.status, page.headers.get("content-type")]).toEqual([
        path,
        status,
        "text/html; charset=utf-8",
      ]);
      expect(text(page)).toMatch(/^<!doctype html>.*<h1>.*<a href="\/">/s);
      const problem = await edge.send(method, path);
      expect([path, problem.status, problem.headers.get("content-type")]).toEqual([
        path,
        status,
        "application/json",
      ]);
      expect(json(problem)).toMatchObject({ error: { code: expect.any(String) } });
      expect(page.headers.get("allow")).toBe(problem.headers.get("allow"));
    }
  });

  it.each([
    "/kernels?after=x",
    "/kernels?after=%00",
    "/kernels?q=%ff%fe",
    `/kernels?q=${"a".repeat(5000)}`,
    "/updates/fix-1?after='",
    "/updates/fix-1?after=fix-1+0+1+00+6",
    "/cves/CVE-2026-9999?after=%00",
    "/cves?after=x",
    "/cves?after=CVE-2026-9999",
  ])("%s is no error", async (path) => {
    expect((await get(path)).status).toBe(200);
  });
});

describe("the OpenVEX document of a kernel", () => {
  it("states what is fixed by what, of the kernel as it was built", async () => {
    const answer = await get(`/kernels/${id}/openvex.json`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(json(answer)).toMatchObject({
      "@context": "https://openvex.dev/ns/v0.2.0",
      version: 1,
      timestamp: "2026-01-01T00:00:00Z",
      statements: [
        {
          vulnerability: { name: "CVE-2026-12345" },
          status: "affected",
          action_statement: expect.stringContaining("fix-1"),
        },
        {
          vulnerability: { name: "CVE-2026-9999" },
          status: "affected",
          status_notes: expect.stringContaining("hangs"),
        },
      ],
    });
    expect(text(answer)).toContain(`build_id=${id}`);
    const etag = answer.headers.get("etag") ?? "";
    expect(etag).toBe(`"${sha256Of(answer.bytes)}"`);
    expect((await get(`/kernels/${id}/openvex.json`, { "If-None-Match": etag })).status).toBe(304);
    expect(text(await get(`/kernels/${id}`, HTML))).toContain(`href="/kernels/${id}/openvex.json"`);
  });

  it("is not there where nothing can be stated", async () => {
    expect((await get(`/kernels/${someBuildId()}/openvex.json`)).status).toBe(404);
    const bare = someBuildId();
    const bytes = encodeManifest(manifestOf(bare, []));
    const targets = await signedTargets(made, bare, bytes);
    await edge.publisher.publish({ buildId: bare, base: 0, targets, manifest: bytes });
    expect((await get(`/kernels/${bare}/openvex.json`)).status).toBe(404);
    expect(text(await get(`/kernels/${bare}`, HTML))).not.toContain("openvex");
  });
});
