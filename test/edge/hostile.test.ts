import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { serveEdge } from "../../edge/node/serve.ts";
import { sha256Of } from "../../node/crypto.ts";
import type { BuildId } from "../../shared/brand.ts";
import { startWorkerd, TestPublisher, type Workerd } from "../support/edge/edge.ts";
import { inFull } from "../support/edge/proof.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  secrets,
  signedTargets,
  someBuildId,
  tokenFor,
} from "../support/edge/repository.ts";

/*
 * Bytes on a socket, as no client library would send them: to workerd, and to the same app on Node.
 */

const ROUTES = (id: BuildId, sha256: string): readonly string[] => [
  "/",
  "/kernels",
  `/kernels/${id}`,
  `/kernels/${id}/feed.json`,
  `/kernels/${id}/openvex.json`,
  `/kernels/${id}/metadata/timestamp.json`,
  `/kernels/${id}/metadata/1.root.json`,
  `/kernels/${id}/metadata/1.targets.json`,
  `/kernels/${id}/targets/kernels/${sha256}.${id}.json`,
  "/kernels/changes",
  "/kernels/timestamps",
  `/artifacts/${sha256}`,
  "/root/1.root.json",
  "/updates/fix-1",
  "/cves/CVE-2026-12345",
  "/changes.atom",
  "/trust",
  "/audit",
  "/health",
  `/staging/${sha256}`,
  `/kernels/${id}/publish`,
  "/publications",
  "/feeds",
];

/** Characters that spoil a path, in the middle and at the end. */
const TRICKS: readonly string[] = [
  "/..",
  "/../../../../etc/passwd",
  "/%2e%2e/%2e%2e/etc/passwd",
  "/%252e%252e%252fetc%252fpasswd",
  "/..%2f..%2fetc%2fpasswd",
  "/..%5c..%5cwindows",
  "%00",
  "%00.json",
  "/%c0%ae%c0%ae/",
  "%",
  "%zz",
  "%ff%fe",
  "/",
  "//",
  "/./",
  ";x=y",
  "%0d%0aX-Injected:%20yes",
  "%E2%80%AE",
  "%F0%9F%92%A9",
  "/constructor",
  "/__proto__",
  `/${"a".repeat(4000)}`,
  "?after=../../x",
  "?q=%00%ff",
  "?ids=,,,",
  "#fragment",
];

interface Place {
  readonly name: string;
  readonly port: number;
}

let made: Ceremony;
let workerd: Workerd;
let data: string;
let stop: () => Promise<void>;
const places: Place[] = [];
const id = someBuildId();
let sha256: string;

beforeAll(async () => {
  made = await ceremony();
  sha256 = sha256Of(manifestBytes(id, []));
  workerd = await startWorkerd(secrets(made));
  places.push({ name: "workerd", port: Number((await workerd.miniflare.ready).port) });
  data = await mkdtemp(join(tmpdir(), "rebootless-hostile-"));
  const served = await serveEdge({
    data,
    host: "127.0.0.1",
    port: 0,
    bindings: secrets(made),
    report: () => {},
  });
  if (served.kind === "failed") throw new Error(served.message);
  stop = () => served.serving.close();
  places.push({ name: "Node", port: served.serving.port });
  const manifest = manifestBytes(id, []);
  const targets = await signedTargets(made, id, manifest);
  for (const { port } of places) {
    const publisher = new TestPublisher(made, async (method, path, init = {}) => {
      const { body, headers = {} } = init;
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        method,
        headers,
        ...(body && { body: body.slice() }),
      });
      return {
        status: answer.status,
        headers: new Map(answer.headers),
        bytes: new Uint8Array(await answer.arrayBuffer()),
      };
    });
    expect((await publisher.publish({ buildId: id, base: 0, targets, manifest })).status).toBe(201);
  }
});
afterAll(async () => {
  await workerd.miniflare.dispose();
  await stop();
  await rm(data, { recursive: true, force: true });
});

const MAX_WAIT = 20_000;

/** Sends raw bytes and reads until the other side has said its status, or has closed. */
async function raw({ port }: Place, ...parts: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {}); // a refusal may be a reset
  await once(socket, "connect");
  for (const part of parts) socket.write(part);
  let text = "";
  const timer = setTimeout(() => socket.destroy(new Error("no answer")), MAX_WAIT);
  try {
    for await (const chunk of socket) {
      text += (chunk as Buffer).toString("latin1");
      if (text.includes("\r\n\r\n")) break;
    }
  } catch {
    // closed: what came is the answer
  }
  clearTimeout(timer);
  socket.destroy();
  return text;
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
const request = (method: string, target: string, ...headers: readonly string[]): string =>
  [`${method} ${target} HTTP/1.1`, "Host: edge.test", "Connection: close", ...headers, "", ""].join("\r\n");

describe("paths that are no paths", () => {
  it.each(["workerd", "Node"])("give no 500 and no file that is not a feed's, in %s", async (name) => {
    const place = places.find((one) => one.name === name) as Place;
    const routes = ROUTES(id, sha256).filter((_, i) => inFull || i % 4 === 3);
    const targets = routes.flatMap((route) => [
      route.toUpperCase(),
      ...TRICKS.map((trick) => route + trick),
      ...TRICKS.map((trick) => `/${trick}`.replace("//", "/") + route),
      ...TRICKS.map((trick) => route.replace(/([^/])\/([^/]*)$/, `$1${trick}/$2`)),
    ]);
    const seen = new Map<number, number>();
    for (let at = 0; at < targets.length; at += 32) {
      await Promise.all(
        targets.slice(at, at + 32).map(async (target) => {
          const answer = await raw(place, request("GET", target));
          const status = statusOf(answer);
          seen.set(status, (seen.get(status) ?? 0) + 1);
          if (status >= 500 || status === 0)
            throw new Error(`${name}: GET ${target.slice(0, 200)}: ${answer.slice(0, 300)}`);
          expect(answer).not.toMatch(/root:x:0|^X-Injected/m);
        }),
      );
    }
    expect(seen.get(404)).toBeGreaterThan(targets.length / 3);
    expect((await readdir(data)).sort()).toEqual(["lock", "store"]);
  });

  it.each(["workerd", "Node"])(
    "of publishers, with a token that is good for them, change nothing, in %s",
    async (name) => {
      const place = places.find((one) => one.name === name) as Place;
      const body = new TextEncoder().encode("{}");
      for (const path of [
        `/kernels/${id}/publish/`,
        `/kernels/${id.toUpperCase()}/publish`,
        `/kernels/${id}%2f..%2f/publish`,
        `/staging/${sha256.toUpperCase()}`,
        `/staging/..%2ffeeds%2f${id}.json`,
        "/root/",
        "/ROOT",
      ]) {
        for (const method of ["PUT", "POST"]) {
          const token = await tokenFor(made, method, path, body);
          const head = request(
            method,
            path,
            `Authorization: Bearer ${token}`,
            `Content-Length: ${body.length}`,
          );
          const status = statusOf(await raw(place, head, body));
          expect([path, [404, 405].includes(status)]).toEqual([path, true]);
        }
      }
    },
  );
});

describe("bodies that are not what they say", () => {
  const path = `/staging/${"0".repeat(64)}`;
  const bearer = async (body: Uint8Array) =>
    `Authorization: Bearer ${await tokenFor(made, "PUT", path, body)}`;

  it.each(["workerd", "Node"])("are refused, in %s", async (name) => {
    const place = places.find((one) => one.name === name) as Place;
    const body = new TextEncoder().encode("0123456789");
    const put = async (...headers: readonly string[]) => request("PUT", path, await bearer(body), ...headers);
    const chunked = "Transfer-Encoding: chunked";
    const cases: readonly (readonly [string, readonly (string | Uint8Array)[], readonly number[]])[] = [
      ["a length that is none", [await put("Content-Length: x"), body], [400]],
      ["two lengths", [await put("Content-Length: 10", "Content-Length: 11"), body], [400]],
      [
        "a length beside chunks",
        [await put("Content-Length: 10", chunked), "a\r\n", body, "\r\n0\r\n\r\n"],
        [400, 401, 422],
      ],
      ["chunks that are none", [await put(chunked), "zz\r\n", body], [400, 401, 0]],
      ["another body", [await put("Content-Length: 10"), body.map((byte) => byte ^ 1)], [401]],
      ["another digest than the path's", [await put("Content-Length: 10"), body], [422]],
      [
        "a huge length and no token",
        [request("PUT", path, "Content-Length: 99999999999"), body],
        [401, 413, 400],
      ],
      ["no request at all", ["\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"], [400, 0, 501]],
      ["headers without end", [`GET / HTTP/1.1\r\nX: ${"a".repeat(200_000)}\r\n\r\n`], [400, 431, 0]],
    ];
    for (const [what, parts, expected] of cases) {
      const answer = await raw(place, ...parts);
      const status = statusOf(answer);
      // What is not HTTP workerd answers by itself, some of it with a 500 of its own.
      const own = name === "workerd" && answer.endsWith("\r\n\r\nInternal Server Error");
      expect([what, status, own || expected.includes(status)]).toEqual([what, status, true]);
    }
  });

  it.each(["workerd", "Node"])(
    "hold nobody up while they come slowly, and leave nothing when they are cut off, in %s",
    async (name) => {
      const place = places.find((one) => one.name === name) as Place;
      const body = new Uint8Array(100_000).fill(7);
      const own = `/staging/${sha256Of(body)}`;
      const slow = await Promise.all(
        Array.from({ length: 50 }, async () => {
          const token = await tokenFor(made, "PUT", own, body);
          const socket = connect(place.port, "127.0.0.1");
          socket.on("error", () => {});
          await once(socket, "connect");
          socket.write(
            request("PUT", own, `Authorization: Bearer ${token}`, `Content-Length: ${body.length}`),
          );
          socket.write(body.subarray(0, 1000));
          return socket;
        }),
      );
      const start = performance.now();
      for (let n = 0; n < 5; n++)
        expect(statusOf(await raw(place, request("GET", `/kernels/${id}/feed.json`)))).toBe(200);
      expect(performance.now() - start).toBeLessThan(5000);
      for (const socket of slow) socket.destroy();
      const ask = new TextEncoder().encode(`{"sha256":["${sha256Of(body)}"]}`);
      const token = await tokenFor(made, "POST", "/staging", ask);
      const answer = await fetch(`http://127.0.0.1:${place.port}/staging`, {
        method: "POST",
        body: ask,
        headers: { Authorization: `Bearer ${token}` },
      });
      expect(await answer.json()).toEqual({ missing: [sha256Of(body)] });
    },
  );
});
