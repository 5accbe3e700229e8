import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { feedPath } from "../../shared/feed/paths.ts";
import { MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES, MAX_ROOT_BYTES } from "../../shared/limits.ts";
import { systemClock } from "../../shared/time.ts";
import {
  filled,
  heavyManifest,
  heavyRoot,
  largeManifest,
  PIECES,
  signedFeed,
  tufFolder,
} from "../../test/proof/attacks/heavy.ts";
import { KERNEL, Stage } from "../../test/proof/attacks/stage.ts";
import { signedBundle } from "../../test/support/memory_feed.ts";

/*
 * npm run bench:heavy
 *
 * Looks for the answer of a feed that takes the most memory of a host. It tries every piece in every place of a document, in
 * several encodings, and folders of TUF files, and prints the peak of `check` for each, the worst last.
 */

const stage = await Stage.open();
const bodies = new Map<string, Uint8Array>();
const ENCODINGS: Readonly<Record<string, (body: Uint8Array, response: ServerResponse) => void>> = {
  gzip: (body, response) => response.setHeader("content-encoding", "gzip").end(gzipSync(body, { level: 1 })),
  br: (body, response) => {
    const params = { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: 24 };
    response.setHeader("content-encoding", "br").end(brotliCompressSync(body, { params }));
  },
  plain: (body, response) => response.end(body),
  // Only as many bytes as arrive before the host stops waiting.
  "byte by byte": (body, response) => {
    for (const byte of body.subarray(0, 500_000)) response.write(Uint8Array.of(byte));
    response.end();
  },
};
const server = createServer((request, response) => {
  const [, name = "", encoding = "", ...path] = decodeURIComponent(request.url ?? "").split("/");
  const body = path.join("/") === feedPath(KERNEL) ? bodies.get(name) : undefined;
  if (body) ENCODINGS[encoding]?.(body, response);
  else response.writeHead(404).end();
}).listen(0, "127.0.0.1");
await once(server, "listening");
const base = `http://127.0.0.1:${(server.address() as AddressInfo | null)?.port}/`;

const results: { readonly what: string; readonly peakMb: number; readonly code: number }[] = [];
async function measure(what: string, feed: string): Promise<void> {
  const host = await stage.host(`host-${results.length}`, `feed = ["${feed}"]\n`);
  const { code, peakMb = Number.NaN } = await stage.rebootless([...host, "check"]);
  results.push({ what, peakMb: Math.round(peakMb), code });
  process.stderr.write(`${String(Math.round(peakMb)).padStart(5)} MB  exit ${code}  ${what}\n`);
}

async function measureBody(name: string, body: Uint8Array, encodings = ["gzip"]): Promise<void> {
  bodies.set(name, body);
  for (const encoding of encodings) {
    await measure(
      `${name}, ${encoding}`,
      `${base}${encodeURIComponent(name)}/${encodeURIComponent(encoding)}/`,
    );
  }
  bodies.delete(name);
}

const signed = (manifest: Uint8Array) => signedBundle(stage.made, KERNEL, systemClock(), { manifest });
const honest = await signed(await largeManifest(0));
const asText = (bytes: Uint8Array) => Buffer.from(bytes).toString();
const named = (members: Readonly<Record<string, unknown>>) => {
  const files = (["timestamp", "snapshot", "targets", "manifest"] as const).map((name) => [
    name,
    asText(honest[name]),
  ]);
  const all = { format: 1, build_id: KERNEL, roots: [], ...Object.fromEntries(files), ...members };
  return Buffer.from(JSON.stringify(all));
};

for (const [name, piece] of PIECES) {
  await measureBody(`${name} in feed.json`, filled('{"format":1,"x":[', piece, "]}", MAX_BUNDLE_BYTES));
  const root = asText(heavyRoot(piece, MAX_ROOT_BYTES));
  await measureBody(`${name} in four roots`, named({ roots: Array(4).fill(root) }));
  const manifest = heavyManifest(piece, MAX_MANIFEST_BYTES);
  const feed = await signedFeed(stage, manifest).catch(() => undefined); // with escapes it may be too long
  if (feed) await measureBody(`${name} in a signed manifest`, feed);
}
await measureBody("functions", await signedFeed(stage, await largeManifest(MAX_MANIFEST_BYTES)), [
  "gzip",
  "br",
  "plain",
]);
for (const [name, unit] of [
  ["quotes", '"'],
  ["letters", "a"],
  ["letters beyond Latin-1", "\u4e2d"],
] as const) {
  const most = (MAX_BUNDLE_BYTES - 8192) / (Buffer.byteLength(JSON.stringify(unit)) - 2);
  const body = named({ manifest: unit.repeat(Math.min(most, MAX_MANIFEST_BYTES / Buffer.byteLength(unit))) });
  await measureBody(`a manifest of ${name}`, body, Object.keys(ENCODINGS));
}
const roots = Array.from({ length: 255 }, () => heavyRoot("0", MAX_ROOT_BYTES));
await measure("a folder of 255 roots", await tufFolder(stage, "roots", { ...honest, roots }));
const controls = new Uint8Array(MAX_MANIFEST_BYTES).fill(1);
for (const [name, manifest] of [
  ["functions", await largeManifest(MAX_MANIFEST_BYTES)],
  ["short texts", heavyManifest('"ab"', MAX_MANIFEST_BYTES)],
  ["control characters", controls],
] as const) {
  await measure(
    `a folder of TUF files, ${name}`,
    await tufFolder(stage, `tuf-${name}`, await signed(manifest)),
  );
}
server.close();
await stage.close();
results.sort((a, b) => a.peakMb - b.peakMb);
for (const { what, peakMb, code } of results.slice(-10)) {
  process.stdout.write(`${String(peakMb).padStart(5)} MB  exit ${code}  ${what}\n`);
}
