import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { dirname, join } from "node:path";
import { sha256Of } from "../../node/crypto.ts";
import type { BuildId } from "../../shared/brand.ts";
import { artifactPath, feedPath } from "../../shared/feed/paths.ts";

const ROOT = "root/1.root.json";

/** A feed as plain files, as a backup or a mirror has them. */
export async function writePublic(folder: string, id: BuildId, feed: Uint8Array, module: Uint8Array) {
  const files = new Map([
    [feedPath(id), feed],
    [artifactPath(sha256Of(module)), module],
    [ROOT, new Uint8Array(Buffer.from("{}"))],
    ["feed.secret", new Uint8Array([1])],
  ]);
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
}

/** Checks that a web server sends the headers that hosts and caches rely on, as the edge does. Throws where it does not. */
export async function checkStatic(url: string, id: BuildId, feed: Uint8Array, module: Uint8Array) {
  const whole = await ask(url, feedPath(id), { "Accept-Encoding": "identity" });
  assert.deepEqual(new Uint8Array(whole.body), feed);
  assert.match(whole.of("etag"), /^"[^"]+"$/);
  assert.match(whole.of("cache-control"), /^public, max-age=60, /);
  assert.equal(whole.of("content-type"), "application/json");
  assert.equal(whole.of("x-content-type-options"), "nosniff");
  assert.equal(whole.of("access-control-allow-origin"), "*");

  const packed = await ask(url, feedPath(id), { "Accept-Encoding": "gzip" });
  assert.equal(packed.of("content-encoding"), "gzip");
  assert.equal(packed.of("etag"), `W/${whole.of("etag")}`);
  assert.match(packed.of("vary"), /Accept-Encoding/i);
  for (const tag of [whole.of("etag"), packed.of("etag")]) {
    const same = await ask(url, feedPath(id), { "If-None-Match": tag });
    assert.deepEqual([same.status, same.body.length], [304, 0]);
  }

  const artifact = artifactPath(sha256Of(module));
  const part = await ask(url, artifact, { Range: "bytes=10-19" });
  assert.deepEqual([part.status, new Uint8Array(part.body)], [206, module.slice(10, 20)]);
  assert.equal(part.of("content-type"), "application/octet-stream");
  for (const path of [artifact, ROOT]) {
    assert.match((await ask(url, path)).of("cache-control"), /immutable/);
  }
  for (const path of [feedPath(id).replace(id, "0".repeat(40)), "feed.secret", "", "kernels/"]) {
    const none = await ask(url, path);
    assert.deepEqual([path, none.status, none.of("cache-control")], [path, 404, "no-store"]);
  }
}

/** Reads an answer as it is sent; fetch would decompress it. */
function ask(url: string, path: string, headers: Readonly<Record<string, string>> = {}) {
  return new Promise<{ status: number; body: Buffer; of: (name: string) => string }>((resolve, reject) => {
    request(`${url}/${path}`, { headers }, async (response) => {
      const body = Buffer.concat((await response.toArray()) as Buffer[]);
      resolve({ status: response.statusCode ?? 0, body, of: (name) => String(response.headers[name] ?? "") });
    })
      .once("error", reject)
      .end();
  });
}
