import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { serveEdge } from "../../../edge/node/serve.ts";
import { versionsOf } from "../../../edge/publish/stored_feed.ts";
import { sha256Of } from "../../../node/crypto.ts";
import type { BuildId } from "../../../shared/brand.ts";
import { MAX_BATCH, PUBLICATIONS_PATH } from "../../../shared/feed/batch.ts";
import { decodeBundle } from "../../../shared/feed/bundle.ts";
import { decodeManifest, encodeManifest } from "../../../shared/feed/manifest.ts";
import { feedPath } from "../../../shared/feed/paths.ts";
import { mustPublish, publish } from "../../support/commands.ts";
import { answerOf, type Send, TestPublisher } from "../../support/edge/edge.ts";
import {
  type Ceremony,
  ceremony,
  manifestBytes,
  manifestOf,
  secrets,
  signedTargets,
  someBuildId,
  tokenFor,
  updateOf,
} from "../../support/edge/repository.ts";

/** Several batches. */
const KERNELS = 6 * MAX_BATCH;
const MODULE = new Uint8Array(3000).map((_, i) => i % 253);

let work: string;
let started: ChildProcess[];
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), "serve-"));
  started = [];
});
afterEach(async () => {
  for (const child of started) child.kill("SIGKILL");
  await rm(work, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
}

/** Passes everything on to an edge, but one batch of publications alone: who sends further ones waits. `passed` is told of it. */
async function passingOneBatch(url: string, passed: () => void): Promise<Server> {
  let batches = 0;
  const server = createServer(async (request, response) => {
    const isBatch = request.url === `/${PUBLICATIONS_PATH}`;
    if (isBatch && ++batches > 1) return;
    const body = request.method === "GET" ? null : Buffer.concat(await request.toArray());
    const { authorization = "", "content-type": type = "" } = request.headers;
    const answer = await fetch(`${url}${request.url}`, {
      method: request.method ?? "GET",
      headers: { authorization, "content-type": type },
      body,
    });
    response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "" });
    response.end(new Uint8Array(await answer.arrayBuffer()));
    if (isBatch) passed();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

/** The built command, as a person starts it. */
async function serve(vars: string, ...more: readonly string[]): Promise<Running> {
  const args = [
    "dist/rebootless-publish.cjs",
    "serve",
    "--data",
    join(work, "data"),
    "--vars",
    vars,
    "--port",
    "0",
    ...more,
  ];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  started.push(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const url = / at (http:\S+)\/$/.exec(line)?.[1];
    if (url !== undefined) return { child, url };
  }
  throw new Error("the server did not come up");
}

async function stop({ child }: Running, signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
  child.kill(signal);
  await once(child, "exit");
  return child.exitCode;
}

const sender =
  (running: () => Running): Send =>
  async (method, path, init = {}) =>
    answerOf(
      await fetch(running().url + path, {
        method,
        headers: { ...init.headers },
        ...(init.body && { body: init.body.slice() }),
      }),
    );

async function varsFile(made: Ceremony, change: Readonly<Record<string, string>> = {}): Promise<string> {
  const file = join(work, "edge.vars");
  const lines = Object.entries({ ...secrets(made), ...change }).map(
    ([name, value]) => `${name}='${value}'\n`,
  );
  await writeFile(file, lines.join(""), { mode: 0o600 });
  return file;
}

describe("a feed served from a folder", () => {
  it("takes what the publisher's commands send, and has it after a restart", async () => {
    const dir = join(work, "feed");
    await mustPublish("init", dir, "--no-passphrase");
    const vars = join(dir, "edge.vars");
    let running = await serve(vars, "--url", "https://feed.example.org");
    const id = someBuildId();
    const draft = join(work, "draft.json");
    await writeFile(draft, encodeManifest(manifestOf(id, [await updateOf("fix", MODULE)])));
    await writeFile(join(work, "fix.ko"), MODULE);
    await mustPublish("push", dir, draft, "--module", join(work, "fix.ko"), "--feed", `${running.url}/`);
    const feed = await fetch(`${running.url}/${feedPath(id)}`);
    expect(feed.headers.get("content-encoding")).toBe("gzip");
    const bytes = new Uint8Array(await feed.arrayBuffer());
    expect(decodeBundle(bytes).buildId).toBe(id);
    const page = await (await fetch(`${running.url}/install`, { headers: { Accept: "text/html" } })).text();
    expect(page).toContain("rebootless init --feed https://feed.example.org/");
    expect(await stop(running)).toBe(0);

    running = await serve(vars);
    const again = await fetch(`${running.url}/${feedPath(id)}`, {
      headers: { "Accept-Encoding": "identity" },
    });
    expect(new Uint8Array(await again.arrayBuffer())).toEqual(bytes);
    const kernels = await (await fetch(`${running.url}/kernels`)).json();
    expect(kernels).toMatchObject({ kernels: [{ build_id: id, updates: 1 }] });
    const artifact = `${running.url}/artifacts/${sha256Of(MODULE)}`;
    const part = await fetch(artifact, { headers: { Range: "bytes=10-19" } });
    expect([part.status, new Uint8Array(await part.arrayBuffer())]).toEqual([206, MODULE.slice(10, 20)]);
    expect(await stop(running)).toBe(0);
  });

  it("takes the rest of a push that was killed halfway, and nothing again", async () => {
    const dir = join(work, "feed");
    await mustPublish("init", dir, "--no-passphrase");
    const running = await serve(join(dir, "edge.vars"));
    const update = await updateOf("fix", MODULE);
    await mkdir(join(work, "drafts"));
    const ids = Array.from({ length: KERNELS }, someBuildId);
    for (const id of ids) await writeFile(join(work, "drafts", `${id}.json`), manifestBytes(id, [update]));
    await writeFile(join(work, "fix.ko"), MODULE);
    const gate = await passingOneBatch(running.url, () => first.kill("SIGKILL")); // others are under way
    const push = (url: string) => {
      const files = ["push", dir, join(work, "drafts"), "--module", join(work, "fix.ko"), "--yes", "--json"];
      const args = ["dist/rebootless-publish.cjs", ...files, "--feed", url];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
      started.push(child);
      return child;
    };
    const first = push(`http://127.0.0.1:${(gate.address() as AddressInfo).port}/`);
    expect(await once(first, "exit")).toEqual([null, "SIGKILL"]);
    gate.close();
    gate.closeAllConnections();

    const second = push(`${running.url}/`);
    const said: { published: number; unchanged: number; files: number } = JSON.parse(
      (await second.stdout.setEncoding("utf8").toArray()).join(""),
    );
    expect(said.published + said.unchanged).toBe(KERNELS);
    expect(said.unchanged).toBe(MAX_BATCH);
    expect(said.files).toBe(0);
    for (const id of [ids[0], ids.at(-1)] as BuildId[]) {
      const bundle = decodeBundle(
        new Uint8Array(await (await fetch(`${running.url}/${feedPath(id)}`)).arrayBuffer()),
      );
      expect([versionsOf(bundle).targets, decodeManifest(bundle.manifest).updates.length]).toEqual([1, 1]);
    }
    await stop(running);
  });

  it("belongs to one process", async () => {
    const vars = await varsFile(await ceremony());
    const first = await serve(vars);
    await expect(serve(vars)).rejects.toThrow("did not come up");
    expect(started[1]?.exitCode ?? (await once(started[1] as ChildProcess, "exit"))[0]).toBe(10);
    expect(await stop(first, "SIGKILL")).toBeNull();
    await stop(await serve(vars));
  });

  it("ends when it has no place to listen at, and lets its folder go", async () => {
    const vars = await varsFile(await ceremony());
    const first = await serve(vars);
    const { port } = new URL(first.url);
    const at = ["serve", "--data", join(work, "other"), "--vars", vars, "--port", port];
    const second = await publish(...at);
    expect(second).toMatchObject({ code: 1, stdout: "" });
    expect(second.stderr).toMatch(/^error: cannot listen at 127\.0\.0\.1 port \d+: .*EADDRINUSE/m);
    expect(second.stderr).toMatch(/^hint: .*choose another --port/m);
    await stop(first);
    await stop(await serve(vars, "--data", join(work, "other")));
  });

  it("lets its folder go also in the process that goes on", async () => {
    const bindings = secrets(await ceremony());
    const start = (port: number, data = "data") =>
      serveEdge({ data: join(work, data), host: "127.0.0.1", port, bindings, report: () => {} });
    const first = await start(0, "first");
    if (first.kind === "failed") throw new Error(first.message);
    expect(await start(first.serving.port)).toMatchObject({ kind: "failed", code: "io" });
    const again = await start(0);
    if (again.kind === "failed") throw new Error(again.message);
    await again.serving.close();
    await mkdir(join(work, "data/store/feeds"), { recursive: true });
    await writeFile(join(work, `data/store/feeds/${someBuildId()}.json`), "damaged");
    expect(await start(0).catch((error: unknown) => error)).not.toMatchObject({ kind: "serving" });
    await rm(join(work, "data/store"), { recursive: true });
    const repaired = await start(0);
    if (repaired.kind === "failed") throw new Error(repaired.message);
    await repaired.serving.close();
    await first.serving.close();
  });

  it("with publishers that cannot be read says so when it starts, and serves", async () => {
    const made = await ceremony();
    const vars = await varsFile(made, { PUBLISHERS: JSON.stringify([{ id: "demo", kee: {} }]) });
    const running = await serve(vars);
    let said = "";
    running.child.stderr?.on("data", (chunk: Buffer) => {
      said += String(chunk);
    });
    expect((await fetch(`${running.url}/kernels`)).status).toBe(200);
    expect((await fetch(`${running.url}/health`)).status).toBe(503);
    await stop(running);
    expect(said).toMatch(/^warning: .*edge\.vars: PUBLISHERS\[0\]\.kee: there is no such member/m);
  });

  it("is not begun with what check-vars finds fault with", async () => {
    const made = await ceremony();
    expect(await publish("check-vars", await varsFile(made))).toMatchObject({ code: 0, stderr: "" });
    const key = secrets(made)["SNAPSHOT_KEY"] ?? "";
    const broken = {
      PUBLISHERS: JSON.stringify([{ id: "demo", scope: { releases: [] } }]),
      SNAPSHOT_KEY: key.replace('"crv":"Ed25519"', '"crv":"X25519"'),
      PUBLISHER_LIMIT: "{}",
    };
    const { code, stdout, stderr } = await publish("--json", "check-vars", await varsFile(made, broken));
    expect(code).toBe(2);
    expect(stderr.split("\n").slice(0, 3)).toEqual([
      expect.stringMatching(/^error: .*: 3 faults$/),
      expect.stringMatching(/^ {2}SNAPSHOT_KEY: not an Ed25519 key/),
      expect.stringMatching(/^ {2}PUBLISHERS\[0\]/),
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      command: "check-vars",
      exit_code: 2,
      error: { code: "config" },
      faults: [
        expect.stringMatching(/^SNAPSHOT_KEY: not an Ed25519 key/),
        expect.stringMatching(/^PUBLISHERS\[0\]/),
        expect.stringMatching(/^PUBLISHER_LIMIT: not one of TRUSTED_ROOT, /),
      ],
    });
    expect(stdout).not.toContain((JSON.parse(key) as { d: string }).d);
    const root = await varsFile(made, { TRUSTED_ROOT: "{}" });
    expect(await publish("check-vars", root)).toMatchObject({ code: 2 });
    await expect(serve(root)).rejects.toThrow("did not come up");
  });

  it("knows a token again after a restart", async () => {
    const made = await ceremony();
    const vars = await varsFile(made);
    let running = await serve(vars);
    const path = `/staging/${sha256Of(MODULE)}`;
    const token = await tokenFor(made, "PUT", path, MODULE);
    const put = () =>
      sender(() => running)("PUT", path, { body: MODULE, headers: { Authorization: `Bearer ${token}` } });
    expect((await put()).status).toBe(201);
    expect((await put()).status).toBe(401);
    await stop(running);
    running = await serve(vars);
    expect((await put()).status).toBe(401);
    await stop(running);
  });

  it("killed at any moment of a publish has the old state or the new one, and takes the next publish", async () => {
    const made = await ceremony();
    const vars = await varsFile(made);
    let running = await serve(vars);
    const publisher = new TestPublisher(
      made,
      sender(() => running),
    );
    const id: BuildId = someBuildId();
    let version = 0;
    for (let kill = 0; kill < 8; kill++) {
      const next = await publication(made, id, version + 1);
      const sent = publisher.publish(next).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 3 * kill));
      await stop(running, "SIGKILL");
      const answer = await sent;
      running = await serve(vars);
      const now = await versionOf(publisher, id);
      // What was reported as in force is in force.
      expect(answer?.status === 201 ? [version + 1] : [version, version + 1]).toContain(now);
      version = now;
      expect((await publisher.publish(await publication(made, id, version + 1))).status).toBe(201);
      version += 1;
    }
    const leftovers = (await readdir(join(work, "data/store"), { recursive: true })).filter((name) =>
      name.startsWith("=new/"),
    );
    expect(leftovers).toEqual([]);
    await stop(running);
  }, 180_000);
});

async function publication(made: Ceremony, id: BuildId, version: number) {
  const manifest = manifestBytes(id, []);
  return {
    buildId: id,
    base: version - 1,
    manifest,
    targets: await signedTargets(made, id, manifest, { version }),
  };
}

async function versionOf(publisher: TestPublisher, id: BuildId): Promise<number> {
  const answer = await publisher.send("GET", `/kernels/${id}`);
  return answer.status === 404
    ? 0
    : (JSON.parse(new TextDecoder().decode(answer.bytes)) as { version: number }).version;
}
