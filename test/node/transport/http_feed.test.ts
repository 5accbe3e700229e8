import { createServer, type RequestListener, type Server } from "node:http";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, it } from "vitest";
import type { Feed } from "../../../node/transport/feed.ts";
import { DEFAULT_HTTP, httpFeed } from "../../../node/transport/http_feed.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function baseOf(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return `http://127.0.0.1:${address.port}/some/feed/`;
}

const feedOf = async (listener: RequestListener, timeoutMs = 10_000): Promise<Feed> =>
  httpFeed(await baseOf(listener), { timeoutMs, downloadTimeoutMs: timeoutMs });

/** Writes for as long as somebody listens. Resolves when nobody does. */
function endless(status: number): { readonly listener: RequestListener; readonly closed: Promise<number> } {
  let close: (sent: number) => void = () => undefined;
  const closed = new Promise<number>((resolve) => {
    close = resolve;
  });
  const listener: RequestListener = (_, response) => {
    const chunk = Buffer.alloc(64 * 1024, 7);
    let sent = 0;
    const more = (): void => {
      while (!response.destroyed) {
        sent += chunk.length;
        if (!response.write(chunk)) return void response.once("drain", more);
      }
    };
    response.on("close", () => close(sent));
    response.writeHead(status);
    more();
  };
  return { listener, closed };
}

describe("a feed over HTTP", () => {
  it("reads a file below its address, with its tag, and counts what it cost", async () => {
    const paths: unknown[] = [];
    const feed = await feedOf((request, response) => {
      paths.push(request.url, request.headers["if-none-match"]);
      response.writeHead(200, { etag: '"one"' }).end("hello");
    });
    const limits = { maxBytes: 5 };
    expect(await feed.get("kernels/x/feed.json", limits)).toEqual({
      status: "ok",
      bytes: new Uint8Array(Buffer.from("hello")),
      etag: '"one"',
    });
    await feed.get("b", limits);
    expect(paths).toEqual(["/some/feed/kernels/x/feed.json", undefined, "/some/feed/b", undefined]);
    expect(feed.traffic).toEqual({ requests: 2, bytes: 10 });
  });

  it("sends the tag it is given, and counts a 304 as no bytes", async () => {
    const feed = await feedOf((request, response) =>
      response.writeHead(request.headers["if-none-match"] === '"one"' ? 304 : 500).end(),
    );
    expect(await feed.get("a", { maxBytes: 9, etag: '"one"' })).toEqual({ status: "not_modified" });
    expect(feed.traffic).toEqual({ requests: 1, bytes: 0 });
  });

  it("does without a tag where the server has none", async () => {
    const feed = await feedOf((_, response) => response.end("x"));
    expect(await feed.get("a", { maxBytes: 1 })).toMatchObject({ status: "ok", etag: undefined });
  });

  it('takes a 404, and nothing else, for an explicit "there is none"', async () => {
    const feed = await feedOf((_, response) => response.writeHead(404).end());
    expect(await feed.get("a", { maxBytes: 1 })).toEqual({ status: "not_found" });
  });

  it.each([204, 206, 304, 400, 403, 410, 429, 500, 503])(
    "calls an answer of %d unreachable",
    async (status) => {
      const feed = await feedOf((_, response) => response.writeHead(status).end());
      await expect(feed.get("a", { maxBytes: 1 })).rejects.toMatchObject({
        code: "unreachable",
        message: expect.stringContaining(String(status)),
      });
    },
  );

  it("follows no redirect", async () => {
    const target = await baseOf((_, response) => response.end("elsewhere"));
    const feed = await feedOf((_, response) => response.writeHead(302, { location: target }).end());
    await expect(feed.get("a", { maxBytes: 100 })).rejects.toMatchObject({ code: "unreachable" });
  });

  it.each([1, 4096])("takes a body of exactly %d bytes and not one more", async (maxBytes) => {
    const feed = await feedOf((request, response) =>
      response.end(Buffer.alloc(maxBytes + Number(request.url?.endsWith("more")))),
    );
    expect(await feed.get("exact", { maxBytes })).toMatchObject({ bytes: { length: maxBytes } });
    await expect(feed.get("more", { maxBytes })).rejects.toThrow("more than the file may have");
  });

  it("cuts an endless body off soon after its limit", async () => {
    const { listener, closed } = endless(200);
    const feed = await feedOf(listener);
    await expect(feed.get("a", { maxBytes: 100_000 })).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining("more than the file may have"),
    });
    expect(await closed).toBeLessThan(32 * 1024 * 1024); // what sockets hold, not what memory does
  });

  it("counts what a compressed body unpacks to", async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const feed = await feedOf((_, response) =>
      response.writeHead(200, { "content-encoding": "gzip" }).end(bomb),
    );
    await expect(feed.get("a", { maxBytes: 100_000 })).rejects.toThrow("more than the file may have");
  });

  it.each([404, 500])(
    "lets go of a body of %d that nobody reads",
    async (status) => {
      const { listener, closed } = endless(status);
      const feed = await feedOf(listener, 60_000);
      await feed.get("a", { maxBytes: 100 }).catch(() => undefined);
      expect(await closed).toBeGreaterThan(0);
    },
    5000,
  );

  it.each<[string, RequestListener]>([
    ["before the answer", (request) => request.socket.destroy()],
    ["in the header", (request) => request.socket.end("HTTP/1.1 200 OK\r\nContent-Le")],
    [
      "in the body",
      (_, response) => {
        response.writeHead(200, { "content-length": 1000 });
        response.write("half");
        setTimeout(() => response.destroy(), 20);
      },
    ],
    [
      "in a body of chunks",
      (_, response) => {
        response.write("half");
        setTimeout(() => response.destroy(), 20);
      },
    ],
    [
      "with a damaged gzip",
      (_, response) => response.writeHead(200, { "content-encoding": "gzip" }).end("no"),
    ],
  ])("calls a connection that breaks %s unreachable", async (_, listener) => {
    const feed = await feedOf(listener);
    await expect(feed.get("a", { maxBytes: 5000 })).rejects.toMatchObject({ code: "unreachable" });
  });

  it("breaks a download off when the run is asked to end, and nothing else", async () => {
    const stop = new AbortController();
    const base = await baseOf((request, response) => {
      if (request.url?.endsWith("small")) return void response.end("small");
      response.writeHead(200).write("the beginning");
      stop.abort("SIGTERM");
    });
    const own = httpFeed(base, { ...DEFAULT_HTTP, stop: stop.signal });
    await expect(own.get("large", { maxBytes: 100, download: true })).rejects.toMatchObject({
      code: "unreachable",
    });
    expect(await own.get("small", { maxBytes: 100 })).toMatchObject({ status: "ok" });
  });

  it("asks once more when a server drops the connection, and not for ever", async () => {
    let asked = 0;
    const feed = await feedOf((request, response) => {
      asked++;
      if (request.url?.endsWith("/never") || asked === 1) request.socket.destroy();
      else response.end("hello");
    });
    expect(await feed.get("a", { maxBytes: 5 })).toMatchObject({ status: "ok" });
    await expect(feed.get("never", { maxBytes: 5 })).rejects.toMatchObject({ code: "unreachable" });
    expect(asked).toBe(4);
  });

  it("calls a port where nobody listens unreachable, and says what to do", async () => {
    const base = await baseOf(() => undefined);
    servers[0]?.close();
    await expect(httpFeed(base).get("a", { maxBytes: 5 })).rejects.toMatchObject({
      code: "unreachable",
      hint: expect.stringContaining("stays applied"),
    });
  });

  it.each<[string, RequestListener]>([
    ["never answers", () => undefined],
    [
      "trickles",
      (_, response) => {
        const drip = setInterval(() => response.write("."), 20);
        response.on("close", () => clearInterval(drip));
      },
    ],
  ])("cuts a server off that %s, at its deadline", async (_, listener) => {
    const feed = await feedOf(listener, 200);
    const start = performance.now();
    await expect(feed.get("a", { maxBytes: 1_000_000 })).rejects.toMatchObject({ code: "unreachable" });
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
