import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { auditKey } from "../../../edge/store/keys.ts";
import { auditEntries } from "../../../publisher/feed/audit.ts";
import type { EdgeClient } from "../../../publisher/feed/edge_client.ts";
import { fromUtf8, utf8 } from "../../../shared/bytes.ts";
import { encodeManifest } from "../../../shared/feed/manifest.ts";
import { manifestOf, someBuildId } from "../../support/edge/repository.ts";
import { cli, jsonOf, mustCli } from "./cli.ts";
import { FEED, type ServedEdge, serveEdge } from "./served_edge.ts";

let dir: string;
let feed: string;
let served: ServedEdge;
const ids = [someBuildId(), someBuildId()];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-audit-"));
  feed = join(dir, "feed");
  await mustCli(["init", feed, ...FEED]);
  served = await serveEdge(feed);
  for (const id of ids) await push(id);
});

afterEach(async () => {
  await served.close();
  await rm(dir, { recursive: true, force: true });
});

async function push(id: (typeof ids)[number]): Promise<void> {
  const draft = join(dir, "draft.json");
  await writeFile(draft, encodeManifest(manifestOf(id, [])));
  await mustCli(["push", feed, draft, "--feed", served.url, "--yes"]);
}

interface Shown {
  readonly entries: readonly { readonly kernel: string; readonly outcome: string }[];
  readonly last: { readonly number: number; readonly sha256: string };
}

const audit = (...more: readonly string[]) => cli(["--json", "audit", feed, "--feed", served.url, ...more]);
const shown = async (...more: readonly string[]) => jsonOf<Shown>(await audit(...more));

describe("rebootless-publish audit", () => {
  it("is not kept busy by a log that never ends", async () => {
    let pages = 0;
    const edge: EdgeClient = {
      get: async () => Promise.reject(new Error("nothing is asked for without a token")),
      send: async () => ({
        status: 200,
        body: new Uint8Array(),
        header: () => `</audit?after=${pages++}>; rel="next"`,
      }),
    };
    await expect(auditEntries(edge).next()).rejects.toMatchObject({ code: "trust" });
    expect(pages).toBe(1);
  });

  it("shows who published what", async () => {
    const { stdout: lines } = await mustCli(["audit", feed, "--feed", served.url]);
    expect(lines).toMatch(new RegExp(`demo {2}publish {2}${ids[0]} {2}published {2}version 1\n`));
    const { entries, last } = await shown("--kernel", ids[1] ?? "");
    expect(entries.at(-1)).toMatchObject({
      kernel: ids[1],
      outcome: "published",
      version: 1,
      publisher: "demo",
    });
    expect(entries.every(({ kernel }) => kernel === ids[1])).toBe(true);
    expect(lines.trimEnd().endsWith(`last       ${last.number}, ${last.sha256}`)).toBe(true);
    expect((await shown("--since", "2999-01-01")).entries).toEqual([]);
    expect((await audit("--since", "yesterday")).code).toBe(2);
  });

  it("finds an entry that was noted, also after others, and says so when it is gone", async () => {
    const { last } = await shown();
    await push(someBuildId());
    expect((await audit("--known", last.sha256)).code).toBe(0);
    expect((await audit("--known", "f00")).code).toBe(2);
    const other = await audit("--known", "0".repeat(64));
    expect([other.code, other.stderr]).toEqual([4, expect.stringContaining("the audit log was changed")]);
  });

  it("finds an entry that was changed or taken out", async () => {
    const { store } = served.edge();
    const key = auditKey(2);
    const file = await store.get(key);
    const text = fromUtf8((await file?.bytes()) ?? new Uint8Array());
    const spoil = async (bytes: Uint8Array) => {
      const { revision = "" } = (await store.head(key)) ?? {};
      expect(await store.replace(key, revision, bytes)).toBe("replaced");
    };
    await spoil(utf8(text.replace('"demo"', '"else"')));
    expect((await audit()).code).toBe(4);
    await spoil(new Uint8Array());
    expect((await audit()).code).toBe(4);
    await spoil(utf8(text));
    expect((await audit()).code).toBe(0);
  });
});

it("a publisher past its limits comes again when the edge said", async () => {
  const { deps } = served.edge();
  Object.assign(deps.limits, { read: { burst: 1, perMinute: 60 } });
  await mustCli(["audit", feed, "--feed", served.url]);
  const start = performance.now();
  expect((await audit()).code).toBe(0);
  expect(performance.now() - start).toBeGreaterThan(500);
  Object.assign(deps.limits, { read: { burst: 1, perMinute: 0.1 } });
  const refused = await audit();
  expect([refused.code, refused.stderr]).toEqual([13, expect.stringMatching(/429.*again in \d+ seconds/)]);
});
