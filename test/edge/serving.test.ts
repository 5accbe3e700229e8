import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256Of } from "../../node/crypto.ts";
import type { BuildId } from "../../shared/brand.ts";
import { concatBytes } from "../../shared/bytes.ts";
import { artifactPath, feedPath, metadataPath } from "../../shared/feed/paths.ts";
import { publishPath } from "../../shared/feed/publication.ts";
import { type Answer, startWorkerd, TestPublisher, type Workerd } from "../support/edge/edge.ts";
import {
  ceremony,
  manifestBytes,
  secrets,
  signedTargets,
  someBuildId,
  updateOf,
} from "../support/edge/repository.ts";

const MODULE = new Uint8Array(5000).map((_, i) => i % 251);
let edge: Workerd;
let id: BuildId;
let moduleUrl: string;

beforeAll(async () => {
  const made = await ceremony();
  edge = await startWorkerd(secrets(made));
  const publisher = new TestPublisher(made, edge.send);
  id = someBuildId();
  moduleUrl = `/${artifactPath(sha256Of(MODULE))}`;
  await publisher.stage(MODULE);
  const manifest = manifestBytes(id, [await updateOf("fix", MODULE)]);
  const targets = await signedTargets(made, id, manifest);
  expect((await publisher.publish({ buildId: id, base: 0, targets, manifest })).status).toBe(201);
});
afterAll(() => edge.miniflare.dispose());

const get = (path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Answer> =>
  edge.send(method, path, { headers });

/** One stored and immutable, one stored and moving, one cut out of another. */
const files = () => [
  moduleUrl,
  `/${feedPath(id)}`,
  `/${metadataPath(id)}/timestamp.json`,
  `/${metadataPath(id)}/1.root.json`,
];

describe("parts of files", () => {
  it("put together are the file", async () => {
    for (const path of files()) {
      const whole = await get(path);
      const length = whole.bytes.length;
      expect(whole.headers.get("accept-ranges")).toBe("bytes");
      const middle = Math.floor(length / 3);
      const parts = [
        await get(path, { Range: `bytes=0-${middle}` }),
        await get(path, { Range: `bytes=${middle + 1}-` }),
      ];
      expect(parts.map((part) => part.status)).toEqual([206, 206]);
      expect(parts[0]?.headers.get("content-range")).toBe(`bytes 0-${middle}/${length}`);
      expect(parts[1]?.headers.get("content-length")).toBe(String(length - middle - 1));
      expect(concatBytes(parts.map((part) => part.bytes))).toEqual(whole.bytes);
      for (const part of parts) expect(part.headers.get("etag")).toBe(whole.headers.get("etag"));
      const tail = await get(path, { Range: "bytes=-7", "If-Range": whole.headers.get("etag") ?? "" });
      expect([tail.status, tail.bytes]).toEqual([206, whole.bytes.slice(-7)]);
    }
  });

  it("past the end are named as such", async () => {
    for (const path of files()) {
      const { bytes } = await get(path);
      const answer = await get(path, { Range: `bytes=${bytes.length}-` });
      expect([answer.status, answer.bytes.length]).toEqual([416, 0]);
      expect(answer.headers.get("content-range")).toBe(`bytes */${bytes.length}`);
      expect(answer.headers.get("cache-control")).toBe("no-store");
    }
  });

  it("give way to the tag, and to HEAD", async () => {
    for (const path of files()) {
      const head = await get(path, { Range: "bytes=0-1" }, "HEAD");
      expect([head.status, head.bytes.length]).toEqual([200, 0]);
      const etag = head.headers.get("etag") ?? "";
      expect((await get(path, { "If-None-Match": etag, Range: "bytes=0-1" })).status).toBe(304);
      expect((await get(path, { Range: "bytes=0-1", "If-Range": `W/${etag}` })).status).toBe(200);
    }
  });
});

describe("methods", () => {
  it.each([
    ["DELETE", () => moduleUrl, "GET, HEAD, OPTIONS"],
    ["POST", () => `/${feedPath(id)}`, "GET, HEAD, OPTIONS"],
    ["GET", () => `/${publishPath(id)}`, "POST, OPTIONS"],
    ["GET", () => `/staging/${"a".repeat(64)}`, "PUT, OPTIONS"],
    ["PATCH", () => "/health", "GET, HEAD, OPTIONS"],
  ])("%s where it has no place is named, with what has", async (method, path, allow) => {
    const answer = await get(path(), {}, method);
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, allow]);
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });
});

describe("pages of others", () => {
  it("may read, and ask before", async () => {
    for (const path of files()) {
      const preflight = await get(
        path,
        { Origin: "https://else.test", "Access-Control-Request-Method": "GET" },
        "OPTIONS",
      );
      expect(preflight.status).toBe(204);
      expect(preflight.headers.get("access-control-allow-headers")).toContain("If-None-Match");
      const answer = await get(path, { Origin: "https://else.test" });
      expect(answer.headers.get("access-control-allow-origin")).toBe("*");
      const same = await get(path, { "If-None-Match": answer.headers.get("etag") ?? "" });
      expect([same.status, same.headers.get("access-control-allow-origin")]).toEqual([304, "*"]);
    }
  });

  it("may not publish", async () => {
    const preflight = await get(`/${publishPath(id)}`, { Origin: "https://else.test" }, "OPTIONS");
    expect(preflight.headers.has("access-control-allow-methods")).toBe(false);
  });
});

it("takes a tag that a compressing cache made weak", async () => {
  const { headers } = await get(`/${feedPath(id)}`);
  expect((await get(`/${feedPath(id)}`, { "If-None-Match": `W/${headers.get("etag")}` })).status).toBe(304);
});
