import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { Updater } from "tuf-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256Of } from "../../node/crypto.ts";
import type { BuildId } from "../../shared/brand.ts";
import { utf8 } from "../../shared/bytes.ts";
import { consistentTarget, manifestTarget, metadataPath, targetsPath } from "../../shared/feed/paths.ts";
import { startWorkerd, TestPublisher, type Workerd } from "../support/edge/edge.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  secrets,
  signedTargets,
  someBuildId,
  updateOf,
} from "../support/edge/repository.ts";
import { projectRoot } from "../support/guest/machine.ts";

/*
 * Clients that are not ours read from the edge, and from a mirror that is only files: what the feed serves is a TUF
 * repository for any client.
 */

const id: BuildId = someBuildId();
let work: string;
let made: Ceremony;
let edge: Workerd;
let feed: string;
let manifest: Uint8Array;

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "rebootless-peer-"));
  made = await ceremony();
  edge = await startWorkerd(secrets(made));
  feed = String(await edge.miniflare.ready);
  const publisher = new TestPublisher(made, edge.send);
  const module = utf8("\u007fELF a module");
  manifest = manifestBytes(id, [await updateOf("fix-1", module)]);
  await publisher.stage(module);
  const targets = await signedTargets(made, id, manifest);
  expect((await publisher.publish({ buildId: id, base: 0, targets, manifest })).status).toBe(201);
});

afterAll(async () => {
  await edge.miniflare.dispose();
  await rm(work, { recursive: true });
});

/** Returns what tuf-js downloads for the kernel from a feed, starting with only the root. */
async function byTufJs(base: string): Promise<Uint8Array> {
  const dir = await mkdtemp(join(work, "tuf-js-"));
  await writeFile(join(dir, "root.json"), made.root);
  const updater = new Updater({
    metadataDir: dir,
    metadataBaseUrl: `${base}${metadataPath(id)}`,
    targetDir: dir,
    targetBaseUrl: `${base}${targetsPath(id)}`,
  });
  await updater.refresh();
  const target = await updater.getTargetInfo(manifestTarget(id));
  if (!target) throw new Error("tuf-js knows no such target");
  return readFile(await updater.downloadTarget(target));
}

/** Serves plain files. */
async function staticMirror(folder: string): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    readFile(join(folder, request.url ?? "")).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { url: `http://127.0.0.1:${address.port}/`, server };
}

describe("a client that is not ours", () => {
  it("tuf-js verifies the manifest from the edge", async () => {
    expect(Buffer.compare(await byTufJs(feed), manifest)).toBe(0);
  });

  it("tuf-js verifies the manifest from a folder", async () => {
    const folder = join(work, "mirror");
    const metadata = ["timestamp.json", "1.snapshot.json", "1.targets.json"].map(
      (name) => `${metadataPath(id)}/${name}`,
    );
    const target = `${targetsPath(id)}/${consistentTarget(id, sha256Of(manifest))}`;
    for (const path of [...metadata, target]) {
      const answer = await fetch(new URL(path, feed));
      expect(answer.status, path).toBe(200);
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), new Uint8Array(await answer.arrayBuffer()));
    }
    const { url, server } = await staticMirror(folder);
    try {
      expect(Buffer.compare(await byTufJs(url), manifest)).toBe(0);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  /** The commands of docs/verify-by-hand.md. */
  async function byHand(rootSha256: string): Promise<string> {
    const page = await readFile(join(projectRoot, "docs/verify-by-hand.md"), "utf8");
    const script = /```sh\n(.*?)```/s.exec(page)?.[1];
    if (!script) throw new Error("the page has no script");
    const options = {
      cwd: await mkdtemp(join(work, "hand-")),
      env: { ...process.env, FEED: feed, ID: id, ROOT_SHA256: rootSha256 },
    };
    const { stdout } = await promisify(execFile)("sh", ["-euc", script], options);
    return stdout;
  }

  it("openssl verifies the signatures, by the commands of our own page", async () => {
    const said = await byHand(sha256Of(made.root));
    expect(said).toContain("module.ko: OK");
    expect(said).toContain("2 good signatures");
  });

  it("the page's commands refuse another root than was announced", async () => {
    await expect(byHand(sha256Of(utf8("another root")))).rejects.toThrow(/checksum did NOT match/);
  });
});
