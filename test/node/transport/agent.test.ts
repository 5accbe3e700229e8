import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, request as httpRequest, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Route, wayTo } from "../../../node/transport/agent.ts";
import { DEFAULT_HTTP, httpFeed } from "../../../node/transport/http_feed.ts";

/* Real servers and a real proxy on this machine, with a certificate made here. */

const STRAIGHT: Route = {
  httpsProxy: undefined,
  httpProxy: undefined,
  noProxy: undefined,
  caFile: undefined,
  caDir: undefined,
};

let dir: string;
let ca: string;
let plain: string;
let secure: string;
let proxy: string;
let closedProxy: string;
let secureProxy: string;
const servers: Server[] = [];
/** What was asked of the proxy. */
const asked: string[] = [];

const portOf = async (server: Server): Promise<number> => {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
};

function makeProxy(authorization?: string, make: () => Server = createServer): Server {
  const refused = (given: string | undefined) => authorization !== undefined && given !== authorization;
  const server = make();
  server.on("request", (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (refused(request.headers["proxy-authorization"])) return void response.writeHead(407).end();
    const onward = httpRequest(request.url ?? "", { headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.end();
  });
  server.on("connect", (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    if (refused(request.headers["proxy-authorization"])) {
      return void socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    }
    const [host, port] = (request.url ?? "").split(":");
    const onward = connect(Number(port), host, () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      onward.pipe(socket).pipe(onward);
    });
    for (const end of [onward, socket]) end.on("error", () => undefined);
  });
  return server;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-agent-"));
  const [key, cert] = [join(dir, "key.pem"), join(dir, "cert.pem")];
  const subject = ["-subj", "/CN=rebootless test", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  execFileSync("openssl", ["req", ...kind, "-keyout", key, "-out", cert, ...subject], { stdio: "pipe" });
  ca = cert;
  const answer = (_: unknown, response: { end(text: string): void }) => response.end("hello");
  plain = `http://127.0.0.1:${await portOf(createServer(answer))}/`;
  const tls = { key: readFileSync(key), cert: readFileSync(cert) };
  secure = `https://127.0.0.1:${await portOf(createTlsServer(tls, answer))}/`;
  proxy = `http://127.0.0.1:${await portOf(makeProxy())}`;
  secureProxy = `https://127.0.0.1:${await portOf(makeProxy(undefined, () => createTlsServer(tls)))}`;
  const basic = `Basic ${Buffer.from("me:p@ss").toString("base64")}`;
  closedProxy = `127.0.0.1:${await portOf(makeProxy(basic))}`;
});
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await rm(dir, { recursive: true });
});

/** A route whose proxies are addresses alone. */
type Addresses = Omit<Partial<Route>, "httpProxy" | "httpsProxy"> & {
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
};

const named = (url: string | undefined, setBy: string) =>
  url === undefined ? undefined : { url, setBy: `${setBy} in the environment` };

async function fetched(
  url: string,
  { httpProxy, httpsProxy, ...route }: Addresses,
  timeoutMs = 5000,
): Promise<string> {
  asked.length = 0;
  const proxies = { httpProxy: named(httpProxy, "http_proxy"), httpsProxy: named(httpsProxy, "HTTPS_PROXY") };
  const way = (to: URL) => wayTo(to, { ...STRAIGHT, ...route, ...proxies });
  const feed = httpFeed(url, { ...DEFAULT_HTTP, timeoutMs, wayTo: way });
  const answer = await feed.get("a", { maxBytes: 5, etag: '"1"' });
  return answer.status === "ok" ? Buffer.from(answer.bytes).toString() : answer.status;
}

describe("the way to a feed", () => {
  it("is straight where nothing is set", async () => {
    expect(await wayTo(new URL(plain), STRAIGHT)).toEqual({});
    expect(await wayTo(new URL(secure), STRAIGHT)).toEqual({});
    expect(await fetched(plain, {})).toBe("hello");
  });

  it("to a server of an unknown authority is refused", async () => {
    await expect(fetched(secure, {})).rejects.toMatchObject({ code: "unreachable" });
  });

  it("to it is open with its certificate: in a file, or in a folder among other things", async () => {
    expect(await fetched(secure, { caFile: ca })).toBe("hello");
    const caDir = join(dir, "certs");
    await mkdir(join(caDir, "more"), { recursive: true });
    await writeFile(join(caDir, "0a775a30.0"), readFileSync(ca));
    await writeFile(join(caDir, "README"), "no certificate");
    expect(await fetched(secure, { caDir })).toBe("hello");
  });

  it("goes through a proxy: the whole address for http, a tunnel for https", async () => {
    expect(await fetched(plain, { httpProxy: proxy })).toBe("hello");
    expect(asked).toEqual([`GET ${plain}a`]);
    expect(await fetched(secure, { httpsProxy: proxy, caFile: ca })).toBe("hello");
    expect(asked).toEqual([`CONNECT ${new URL(secure).host}`]);
  });

  it("goes through a proxy that speaks TLS, judged by the same certificates", async () => {
    const route = { httpProxy: secureProxy, httpsProxy: secureProxy };
    expect(await fetched(plain, { ...route, caFile: ca })).toBe("hello");
    expect(await fetched(secure, { ...route, caFile: ca })).toBe("hello");
    for (const url of [plain, secure]) {
      await expect(fetched(url, route)).rejects.toMatchObject({ code: "unreachable" });
    }
    expect(asked).toEqual([]);
  });

  it("through a tunnel judges the server at its end, not the proxy", async () => {
    await expect(fetched(secure, { httpsProxy: proxy })).rejects.toMatchObject({ code: "unreachable" });
    expect(asked).toHaveLength(1);
  });

  it("through a tunnel takes no certificate of another host", async () => {
    const elsewhere = secure.replace("127.0.0.1", "localhost");
    const route = { httpsProxy: proxy, caFile: ca };
    await expect(fetched(elsewhere, route)).rejects.toMatchObject({ code: "unreachable" });
    expect(asked).toHaveLength(1);
  });

  it("goes past the proxy where no_proxy says so", async () => {
    const route = { httpProxy: proxy, httpsProxy: proxy, noProxy: ["127.0.0.1"], caFile: ca };
    expect([await fetched(plain, route), await fetched(secure, route)]).toEqual(["hello", "hello"]);
    expect(asked).toEqual([]);
  });

  it.each(["http", "https"])("tells a proxy who asks, for %s", async (scheme) => {
    const url = scheme === "http" ? plain : secure;
    const open = `http://me:p%40ss@${closedProxy}`;
    expect(await fetched(url, { httpProxy: open, httpsProxy: open, caFile: ca })).toBe("hello");
    const wrong = `http://me:guess@${closedProxy}`;
    await expect(fetched(url, { httpProxy: wrong, httpsProxy: wrong, caFile: ca })).rejects.toMatchObject({
      code: "unreachable",
      message: `the proxy http://me:***@${closedProxy}/ (${scheme === "http" ? "http_proxy" : "HTTPS_PROXY"} in the environment) answered 407: it wants a name and a password`,
    });
  });

  it.each(["http", "https"])("through a proxy that is down ends at the proxy, for %s", async (scheme) => {
    const down = "http://me:secret@127.0.0.1:9";
    const variable = scheme === "http" ? "http_proxy" : "HTTPS_PROXY";
    const failure = fetched(scheme === "http" ? plain : secure, { httpProxy: down, httpsProxy: down });
    await expect(failure).rejects.toMatchObject({
      code: "unreachable",
      message: `the proxy http://me:***@127.0.0.1:9/ (${variable} in the environment) cannot be reached`,
      hint: expect.stringContaining("no_proxy"),
      details: { proxy: "http://me:***@127.0.0.1:9/", proxy_set_by: `${variable} in the environment` },
      cause: { message: expect.stringContaining("ECONNREFUSED") },
    });
  });

  it.each(["http", "https"])("through a proxy that says nothing names the proxy, for %s", async (scheme) => {
    const silent = createTcpServer();
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const through = `http://127.0.0.1:${port}`;
    const url = scheme === "http" ? plain : secure;
    await expect(fetched(url, { httpProxy: through, httpsProxy: through }, 300)).rejects.toMatchObject({
      code: "unreachable",
      message: expect.stringContaining(`the proxy ${through} (`),
    });
    silent.close();
  });

  it.each([200, 204, 304, 404, 502])(
    "through a tunnel takes no answer %i of the proxy for the server's",
    async (status) => {
      const lying = createTcpServer((socket) => {
        socket.once("data", () => socket.end(`HTTP/1.1 ${status} So\r\nContent-Length: 0\r\n\r\n`));
        socket.on("error", () => undefined);
      });
      await new Promise<void>((resolve) => lying.listen(0, "127.0.0.1", resolve));
      const { port } = lying.address() as AddressInfo;
      await expect(fetched(secure, { httpsProxy: `http://127.0.0.1:${port}` })).rejects.toMatchObject({
        code: "unreachable",
        message: expect.stringContaining(
          `the proxy http://127.0.0.1:${port} (HTTPS_PROXY in the environment)`,
        ),
      });
      lying.close();
    },
  );

  it("names the proxy where the answer to a plain request may be its own", async () => {
    const through = `http://127.0.0.1:${await portOf(createServer((_, response) => response.writeHead(502).end()))}`;
    await expect(fetched(plain, { httpProxy: through })).rejects.toMatchObject({
      code: "unreachable",
      message: `${plain}a answered 502, through the proxy ${through} (http_proxy in the environment)`,
    });
  });

  it.each([
    [
      "a file that is missing",
      { caFile: "/nowhere/ca.pem" },
      "cannot read certificates from /nowhere/ca.pem",
    ],
    ["a folder that is missing", { caDir: "/nowhere" }, "cannot read ca_dir /nowhere"],
    ["a file without a certificate", { caFile: "/etc/hostname" }, "no certificate (PEM) in /etc/hostname"],
  ])("is closed by %s", async (_, route, message) => {
    await expect(fetched(secure, route)).rejects.toMatchObject({ code: "config", message });
  });
});
