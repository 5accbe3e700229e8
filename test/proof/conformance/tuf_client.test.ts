import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { utf8 } from "../../../shared/bytes.ts";
import { DAY, formatInstant, instant } from "../../../shared/time.ts";
import { HostileRepository } from "../../support/hostile_repository.ts";

/* The built client as tuf-conformance starts it, against the hostile repository over HTTP. */

const CLIENT = new URL("tuf-client", import.meta.url).pathname;

let repository: HostileRepository;
let folder: string;
let server: Server;
let requests: string[];
/** Answers in place of the repository; true if it did. */
let instead: (request: IncomingMessage, response: ServerResponse) => boolean;

beforeEach(async () => {
  repository = await HostileRepository.create((made) => {
    const soon = formatInstant(instant(Date.now() + 2 * DAY));
    for (const state of Object.values(made.roles)) state.expires = soon;
  });
  folder = await mkdtemp(join(tmpdir(), "rebootless-tuf-"));
  requests = [];
  instead = () => false;
  server = createServer(answer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true, force: true });
});

function answer(request: IncomingMessage, response: ServerResponse): void {
  requests.push(request.url ?? "");
  if (instead(request, response)) return;
  const [, kind, name = ""] = /^\/(metadata|targets)\/(.*)$/.exec(request.url ?? "") ?? [];
  const bytes =
    kind === "metadata" ? repository.files.get(name) : repository.artifacts.get(decodeURIComponent(name));
  response.writeHead(bytes ? 200 : 404).end(bytes);
}

const base = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
const metadata = (...names: string[]) => join(folder, "metadata", ...names);

function client(...args: readonly string[]): Promise<{ code: number; stderr: string }> {
  return new Promise((resolve) => {
    execFile(CLIENT, args, (error, _stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stderr }),
    );
  });
}

async function init(): Promise<void> {
  await writeFile(join(folder, "root.json"), repository.file("1.root.json"));
  expect(await client("--metadata-dir", metadata(), "init", join(folder, "root.json"))).toMatchObject({
    code: 0,
  });
}

const refresh = () =>
  client("--metadata-dir", metadata(), "--metadata-url", `${base()}/metadata/`, "refresh");
const download = (...names: readonly string[]) =>
  client(
    ...["--metadata-dir", metadata(), "--metadata-url", `${base()}/metadata`],
    ...names.flatMap((name) => ["--target-name", name]),
    ...["--target-dir", join(folder, "targets"), "--target-base-url", `${base()}/targets/`, "download"],
  );

describe("the conformance client", () => {
  it("initialises without a request, refreshes, and keeps the bytes received", async () => {
    await init();
    expect(requests).toEqual([]);
    expect(await refresh()).toMatchObject({ code: 0 });
    const names = ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"];
    expect(requests).toEqual(names.map((name) => `/metadata/${name}`));
    for (const role of ["root", "snapshot", "targets"]) {
      expect(new Uint8Array(await readFile(metadata(`${role}.json`)))).toEqual(
        repository.file(`1.${role}.json`),
      );
    }
    const left = (await readdir(metadata())).sort();
    expect(left).toEqual(["provisioned", "root.json", "snapshot.json", "targets.json", "timestamp.json"]);
  });

  it("recovers from a corrupt root.json by itself, and says so", async () => {
    await repository.publishRoot();
    await init();
    await refresh();
    await writeFile(metadata("root.json"), "{");
    const { code, stderr } = await refresh();
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "note: the cached root is damaged and was passed over\n",
    });
    expect(new Uint8Array(await readFile(metadata("root.json")))).toEqual(repository.file("2.root.json"));
  });

  it.each([403, 410, 500, 503, 301, 206])(
    "does not take a %i for the end of the chain of roots",
    async (status) => {
      await init();
      instead = (request, response) => {
        if (!request.url?.endsWith(".root.json")) return false;
        response.writeHead(status, { location: "/metadata/nowhere" }).end("{}");
        return true;
      };
      expect(await refresh()).toMatchObject({ code: 1 });
      expect(requests).toEqual(["/metadata/2.root.json"]);
    },
  );

  it("does not take a connection that breaks for the end of the chain of roots", async () => {
    await init();
    instead = (request) => {
      request.socket.destroy();
      return true;
    };
    expect(await refresh()).toMatchObject({ code: 1 });
  });

  it.each([
    ["timestamp.json", 16_384],
    ["2.root.json", 512_000],
    ["1.snapshot.json", undefined],
  ])("does not read an endless %s", async (name, cap) => {
    await init();
    const limit = cap ?? repository.file(name).length;
    let sent = 0;
    instead = (request, response) => {
      if (request.url !== `/metadata/${name}`) return false;
      response.writeHead(200);
      const more = () => {
        if (response.destroyed) return;
        sent += 65_536;
        response.write(Buffer.alloc(65_536, 0x20), () => setImmediate(more));
      };
      more();
      return true;
    };
    const { code, stderr } = await refresh();
    expect(code).toBe(1);
    expect(stderr).toContain("sent more than the file may have");
    expect(sent).toBeLessThan(limit + 64 * 1024 * 1024); // what the sockets between them hold, and an end
  });

  it("does not read more of a target than was signed for, be it nothing", async () => {
    await repository.addTarget("targets", "empty", utf8(""));
    await repository.publish();
    await init();
    expect(await download("empty")).toMatchObject({ code: 0 });
    await rm(join(folder, "targets"), { recursive: true });
    instead = (request, response) => {
      if (!request.url?.startsWith("/targets/")) return false;
      response.writeHead(200);
      const more = () => response.destroyed || response.write(Buffer.alloc(65_536), () => setImmediate(more));
      more();
      return true;
    };
    expect(await download("empty")).toMatchObject({ code: 1 });
    await expect(readdir(join(folder, "targets"))).rejects.toThrow();
  });

  it("asks for odd names quoted, and keeps them in one flat folder", async () => {
    await repository.delegate("targets", "../role?#", { paths: ["*", "*/*"] });
    await repository.addTarget("../role?#", "a b/ü?.ko", utf8("content"));
    await repository.publishDelegated("../role?#");
    await repository.publish();
    await init();
    expect(await download("a b/ü?.ko")).toMatchObject({ code: 0 });
    expect(requests).toContain("/metadata/1...%2Frole%3F%23.json");
    expect(requests.at(-1)).toMatch(/^\/targets\/a%20b\/[0-9a-f]{64}\.%C3%BC%3F\.ko$/);
    expect(await readdir(join(folder, "targets"))).toEqual(["a%20b%2F%C3%BC%3F.ko"]);
    expect(await readdir(metadata())).toContain("..%2Frole%3F%23.json");
  });

  it("stops at the first target that fails, and leaves no trace of it", async () => {
    await repository.addTarget("targets", "one", utf8("one"));
    await repository.addTarget("targets", "two", utf8("two"));
    await repository.addTarget("targets", "three", utf8("three"));
    await repository.publish();
    for (const name of repository.artifacts.keys()) {
      if (name.endsWith(".two")) repository.artifacts.set(name, utf8("bad"));
    }
    await init();
    expect(await download("one", "two", "three")).toMatchObject({ code: 1 });
    expect(await readdir(join(folder, "targets"))).toEqual(["one"]);
  });

  it("refuses to initialise from what is no root", async () => {
    await writeFile(join(folder, "root.json"), "{}");
    expect(await client("--metadata-dir", metadata(), "init", join(folder, "root.json"))).toMatchObject({
      code: 1,
    });
    expect(await refresh()).toMatchObject({ code: 1 });
    expect(requests).toEqual([]);
  });

  it.each([[[]], [["frob"]], [["refresh"]], [["--frob", "refresh"]], [["init"]]])(
    "refuses %j",
    async (args) => {
      expect((await client(...args)).code).toBe(1);
    },
  );
});
