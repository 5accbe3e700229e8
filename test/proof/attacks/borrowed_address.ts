import assert from "node:assert/strict";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { secrets } from "../../support/edge/repository.ts";
import type { Attack } from "./attack.ts";
import type { RunningEdge } from "./stage.ts";

const EVIL = "evil.example";
const PUBLIC = "https://feed.example.org";

/** Targets of a request to the honest host, as no client library would send them. */
const TARGETS = [
  `//${EVIL}/install`,
  `//${EVIL}//install`,
  `///${EVIL}/install`,
  `/\\${EVIL}/install`,
  `/\\/${EVIL}/changes.atom`,
  `/%2f${EVIL}/install`,
  `/.//${EVIL}/install`,
  `//user:secret@${EVIL}/install`,
  `http:${EVIL}/install`,
  `http:///${EVIL}/install`,
  `http://user@${EVIL}/install`,
  `ftp://${EVIL}/install`,
  `/install?//${EVIL}/`,
  `/install#//${EVIL}/`,
  "//",
  "//[::1/x",
  "//u:p@h/x",
  "//:0/",
  "/%",
  "/%00",
  "/%ff%fe",
  "/kernels?q=%",
  "*",
  "/*",
  "",
  "x",
  `/${"a".repeat(12_000)}`,
  `/${"%2e%2e/".repeat(1000)}`,
  `/install?${"q=1&".repeat(2000)}`,
];
const METHODS = ["GET", "HEAD", "OPTIONS", "TRACE", "CONNECT", "POST", "PUT", "DELETE", "PROPFIND"];
const HOSTS = [
  `${EVIL}/x`,
  `honest@${EVIL}`,
  `${EVIL}"><script>`,
  `${EVIL}#`,
  `${EVIL}?`,
  `${EVIL}\\`,
  `honest ${EVIL}`,
  "[::1",
  ":80",
  "a:99999",
  "a:b",
  "%00",
  "",
];

/** What is no request to a Worker workerd answers before it asks one, some of it so. */
const WORKERD_ITSELF = /^HTTP\/1\.1 500 [^\r]*\r\n(?:Connection: close\r\n)?Content-Length: 21\r\n\r\n/;

async function raw(url: string, method: string, target: string, headers: readonly string[]): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...headers,
    "Accept: text/html",
    "Connection: close",
    "",
    "",
  ];
  socket.end(lines.join("\r\n"));
  return text(socket).catch(() => ""); // a reset says nothing
}

async function holds(edge: RunningEdge, configured: string | undefined): Promise<void> {
  const { host, origin } = new URL(edge.url);
  const judged = (asked: string, answer: string) => {
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0);
    if (WORKERD_ITSELF.test(answer)) return;
    assert.ok(status < 500, `${asked.slice(0, 200)}: ${answer.slice(0, 400)}`);
    assert.doesNotMatch(answer, new RegExp(`(?:https?:)?//[^/ ]*${EVIL}`), asked);
  };
  for (const target of TARGETS) {
    for (const method of METHODS)
      judged(`${method} ${target}`, await raw(edge.url, method, target, [`Host: ${host}`]));
  }
  for (const odd of HOSTS) judged(`Host: ${odd}`, await raw(edge.url, "GET", "/install", [`Host: ${odd}`]));
  const honest = await raw(edge.url, "GET", "/install", [`Host: ${host}`]);
  assert.match(honest, new RegExp(`curl -fsSO ${configured ?? origin}/root/1\\.root\\.json`));
  if (configured === undefined) return;
  for (const [target, named] of [
    ["/install", EVIL],
    [`http://${EVIL}/install`, host],
  ] as const) {
    const answer = await raw(edge.url, "GET", target, [`Host: ${named}`]);
    judged(`GET ${target} of ${named}`, answer);
    if (!WORKERD_ITSELF.test(answer)) assert.match(answer, new RegExp(`curl -fsSO ${configured}/root/`));
  }
}

/** A link to the honest server whose path is read as another server's address; and requests that are none. */
export const borrowedAddress: Attack = {
  name: "a link to the honest feed makes its pages name another server, or a strange request makes it fail",
  async play(stage) {
    const bindings = secrets(stage.made);
    const edges = [
      [await stage.serve(bindings), undefined],
      [await stage.serve(bindings, ["--data", stage.path("other"), "--url", PUBLIC]), PUBLIC],
      [await stage.workerd({ ...bindings, FEED_URL: PUBLIC }), PUBLIC],
    ] as const;
    for (const [edge, configured] of edges) {
      await holds(edge, configured);
      assert.doesNotMatch(edge.log(), /^ +at |Error:/m);
    }
  },
};
