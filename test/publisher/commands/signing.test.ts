import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BuildId } from "../../../shared/brand.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { encodeManifest } from "../../../shared/feed/manifest.ts";
import { DAY, instant, systemClock } from "../../../shared/time.ts";
import { manifestOf, someBuildId, updateOf } from "../../support/edge/repository.ts";
import { cli, jsonOf, mustCli } from "./cli.ts";
import { FEED, type ServedEdge, serveEdge } from "./served_edge.ts";

const PASSPHRASE = "several random words";

let dir: string;
let feed: string;
let served: ServedEdge;
let request: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-signing-"));
  feed = join(dir, "feed");
  request = join(dir, "request.json");
  await mustCli(["init", feed, ...FEED]);
  served = await serveEdge(feed);
});

afterEach(async () => {
  await served.close();
  await rm(dir, { recursive: true, force: true });
});

const keyPath = (name: string) => join(feed, "keys", `${name}.json`);
const propose = (...changes: readonly string[]) =>
  cli(["--json", "root", "propose", feed, "-o", request, ...changes]);
const signAs = (name: string, ...more: readonly string[]) =>
  cli(["--json", "sign", request, "--key", keyPath(name), "--yes", ...more]);
const publishRoot = () => cli(["--json", "root", "publish", feed, request, "--feed", served.url]);

interface Signed {
  readonly complete: boolean;
  readonly quorums: readonly { readonly met: boolean; readonly signed: readonly string[] }[];
}

describe("consent", () => {
  it("is asked for after the whole diff, and a no signs nothing", async () => {
    await propose("--expires", "in 90 days");
    const before = await readFile(request);
    const args = ["sign", request, "--key", keyPath("root-1")];
    const no = await cli(args, { says: false });
    expect([no.code, no.asked]).toEqual([7, ["Sign this?"]]);
    expect(no.shown.join("\n")).toMatch(
      /version 1 -> 2[\s\S]*in 90 days[\s\S]*2 of 3 keys must sign, as before/,
    );
    expect(await readFile(request)).toEqual(before);
    expect((await cli(args, { says: true })).code).toBe(0);
    expect(await readFile(request)).not.toEqual(before);
  });

  it("is not taken for granted where nobody sits at a terminal", async () => {
    await propose();
    const done = await cli(["sign", request, "--key", keyPath("root-1")]);
    expect([done.code, done.stderr]).toEqual([2, expect.stringContaining("--yes")]);
  });

  it("is asked for by push and root renew too, where somebody is there to ask", async () => {
    expect((await cli(["root", "renew", feed, "--feed", served.url], { says: false })).code).toBe(7);
    await expect(stat(join(feed, "root", "2.root.json"))).rejects.toThrow("ENOENT");
    expect((await cli(["root", "renew", feed, "--feed", served.url], { says: true })).code).toBe(0);
  });

  it("is given beforehand by --yes, wherever it is asked for", async () => {
    await propose();
    const draft = join(dir, "draft.json");
    await writeFile(draft, encodeManifest(manifestOf(someBuildId(), [])));
    for (const args of [
      ["sign", request, "--key", keyPath("root-1")],
      ["push", feed, draft, "--feed", served.url],
      ["root", "renew", feed, "--feed", served.url],
    ]) {
      const asked = await cli(args, { says: false });
      expect([args[0], asked.code, asked.asked.length]).toEqual([args[0], 7, 1]);
      const unasked = await cli([...args, "--yes"], { says: false });
      expect([args[0], unasked.code, unasked.asked]).toEqual([args[0], 0, []]);
    }
  });
});

describe("a root", () => {
  it("is published once enough have signed, and not before", async () => {
    await propose("--expires", "in 6 weeks");
    const first = jsonOf<Signed>(await signAs("root-1"));
    expect([first.complete, first.quorums.map(({ met }) => met)]).toEqual([false, [false, false]]);
    const early = await publishRoot();
    expect([early.code, early.stderr]).toEqual([2, expect.stringContaining("only 1 of 2 signatures")]);
    expect((await signAs("root-1")).stderr).toContain("has already signed this");
    expect((await signAs("targets-1")).stderr).toContain("would not count here");
    expect(jsonOf<Signed>(await signAs("root-2")).complete).toBe(true);
    expect((await publishRoot()).code).toBe(0);
    const status = jsonOf<{ version: number; warnings: string[] }>(
      await mustCli(["--json", "root", "status", feed, "--feed", served.url]),
    );
    expect([status.version, status.warnings]).toEqual([2, []]);
    const again = await publishRoot();
    expect([again.code, again.stderr]).toEqual([
      4,
      expect.stringContaining("does not build on the root you hold"),
    ]);
  });

  it("that others published meanwhile is taken in, verified, and the request made anew", async () => {
    const other = join(dir, "other");
    await mustCli(["init", other, ...FEED]);
    await rm(join(other, "root", "1.root.json"));
    await writeFile(join(other, "root", "1.root.json"), await readFile(join(feed, "root", "1.root.json")));
    await mustCli(["root", "renew", feed, "--feed", served.url]);
    const before = jsonOf<{ warnings: string[] }>(
      await mustCli(["--json", "root", "status", other, "--feed", served.url]),
    );
    expect(before.warnings).toEqual([expect.stringContaining("root fetch")]);
    const fetched = await mustCli(["--json", "root", "fetch", other, "--feed", served.url]);
    expect(jsonOf(fetched)).toMatchObject({ versions: [2] });
    expect(await readFile(join(other, "root", "2.root.json"))).toEqual(
      await readFile(join(feed, "root", "2.root.json")),
    );
  });

  it.each<readonly [readonly string[], RegExp]>([
    [["--threshold", "root=4"], /4 signatures, but has 3 keys/],
    [["--threshold", "root=0"], /not a threshold/],
    [["--threshold", "king=1"], /ROLE=VALUE/],
    [["--expires", "yesterday"], /not an expiry/],
    [["--expires", "2020-01-01"], /past/],
    [["--expires", "in 20 years"], /five years/],
    [["--remove-key", "root=00000000"], /not the id or the owner of a key of root/],
  ])("with %j is not even proposed", async (changes, message) => {
    const done = await propose(...changes);
    expect([done.code, done.stderr]).toEqual([2, expect.stringMatching(message)]);
    await expect(stat(request)).rejects.toThrow("ENOENT");
  });

  it("with an offline key that is online too is proposed only by force", async () => {
    const key = join(dir, "shared.json");
    await mustCli(["keys", "new", key, "--no-passphrase"]);
    const both = ["--add-key", `root=${key}.pub`, "--add-key", `snapshot=${key}`];
    expect((await propose(...both)).stderr).toContain("--allow-shared-keys");
    const forced = jsonOf<{ warnings: string[] }>(await propose(...both, "--allow-shared-keys"));
    expect(forced.warnings).toEqual([expect.stringContaining("online")]);
  });

  it("of another feed is not signed with the key of this one", async () => {
    const other = join(dir, "other");
    await mustCli(["init", other, ...FEED]);
    await mustCli(["root", "propose", other, "-o", request]);
    expect((await signAs("root-1")).stderr).toContain("does not build on the root you hold");
    const named = await signAs("root-1", "--root", join(other, "root", "1.root.json"));
    expect(named.stderr).toContain("would not count here");
  });
});

describe("root status", () => {
  const at = (days: number, ...more: readonly string[]) =>
    cli(["--json", "root", "status", feed, ...more], { clock: () => instant(systemClock() + days * DAY) });

  it("lists what expires soon, for cron by an exit code", async () => {
    const quiet = await at(300, "--exit-code");
    expect([quiet.code, jsonOf<{ warnings: string[] }>(quiet).warnings]).toEqual([0, []]);
    const soon = await at(350, "--exit-code");
    expect(soon.code).toBe(8);
    expect(jsonOf<{ warnings: string[] }>(soon).warnings).toEqual([expect.stringContaining("in 15 days")]);
    expect((await at(350)).code).toBe(0);
    expect((await at(300, "--exit-code", "--within", "90")).code).toBe(8);
    expect(jsonOf<{ warnings: string[] }>(await at(400)).warnings[0]).toContain("expired 35 days ago");
  });
});

describe("targets that people sign elsewhere", () => {
  let id: BuildId;
  let draft: string;
  let module: readonly string[];

  beforeEach(async () => {
    id = someBuildId();
    draft = join(dir, "draft.json");
    await writeFile(draft, encodeManifest(manifestOf(id, [await updateOf("first", utf8("module"))])));
    await writeFile(join(dir, "m.ko"), "module");
    module = ["--module", join(dir, "m.ko")];
  });

  const push = (...more: readonly string[]) => cli(["--json", "push", feed, ...more, "--feed", served.url]);

  it("are requested, signed and sent", async () => {
    const asked = await push(draft, "--request", request, "--expires", "in 90 days");
    expect(jsonOf<{ changes: string[] }>(asked).changes.join("\n")).toMatch(
      /the first[\s\S]*\+ update first/,
    );
    expect((await push("--signed", request, ...module)).stderr).toContain("only 0 of 2 signatures");
    await signAs("targets-1");
    await signAs("targets-3");
    const sent = await push("--signed", request, ...module);
    expect([sent.code, jsonOf<{ version: number }>(sent).version]).toEqual([0, 1]);
    const status = await mustCli([
      ...["--json", "root", "status", feed, "--feed", served.url, "--kernel", id, "--within", "100"],
    ]);
    expect(jsonOf<{ warnings: string[] }>(status).warnings).toEqual([
      expect.stringContaining(`targets of ${id}`),
    ]);
  });

  it("are missed by root status where there are none", async () => {
    const none = await cli(["root", "status", feed, "--feed", served.url, "--kernel", id]);
    expect([none.code, none.stderr]).toEqual([5, expect.stringContaining("has nothing for kernel")]);
    expect((await cli(["root", "status", feed, "--feed", served.url, "--kernel", "x"])).code).toBe(2);
    expect((await cli(["root", "status", feed, "--kernel", id])).code).toBe(2);
  });

  it("are made anew when somebody published meanwhile", async () => {
    await push(draft, "--request", request);
    await signAs("targets-1");
    await signAs("targets-2");
    expect((await push(draft, ...module)).code).toBe(0);
    const late = await push("--signed", request);
    expect([late.code, late.stderr]).toEqual([12, expect.stringContaining("push --request")]);
  });

  it("are asked of others by a push with too few keys", async () => {
    for (const n of [1, 2]) await rm(keyPath(`targets-${n}`));
    const done = await push(draft, ...module);
    expect([done.code, done.stderr]).toEqual([
      2,
      expect.stringContaining("hold the others: `push --request`"),
    ]);
  });

  it("go neither as a root nor together with a draft", async () => {
    await push(draft, "--request", request);
    expect((await publishRoot()).code).toBe(2);
    expect((await push(draft, "--signed", request)).code).toBe(2);
    expect((await push()).code).toBe(2);
  });
});

describe("init", () => {
  it("encrypts every key with one passphrase, and what uses them asks once", async () => {
    const own = join(dir, "own");
    const done = await mustCli(["init", own, "--keys", "1", "--threshold", "1"], {
      types: [PASSPHRASE, PASSPHRASE],
    });
    expect(done.stdout).toContain("encrypted with your passphrase");
    expect(done.stdout).toContain("secrets of the Worker, not encrypted");
    const renewed = await cli(["root", "renew", own, "--feed", served.url, "--yes"], { types: [PASSPHRASE] });
    expect(renewed.asked).toHaveLength(1);
    expect(renewed.stderr).toContain("the edge refused"); // it is another feed's edge
  });

  it("without a terminal and without a choice makes nothing", async () => {
    const own = join(dir, "own");
    const done = await cli(["init", own]);
    expect([done.code, done.stderr]).toEqual([2, expect.stringContaining("--no-passphrase")]);
    await expect(stat(own)).rejects.toThrow("ENOENT");
  });
});

describe("what an edge answers", () => {
  it("is shown with nothing in it that reaches into the terminal", async () => {
    await served.close();
    const message = "\u001b[2Jno\u009b1A\u202e";
    const server = createServer((_, response) => {
      response.writeHead(422).end(JSON.stringify({ error: { message, hint: message } }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = address !== null && typeof address === "object" ? address.port : 0;
    const done = await cli(["root", "renew", feed, "--feed", `http://127.0.0.1:${port}/`, "--yes"]);
    server.close();
    expect([done.code, done.stderr]).toEqual([13, expect.stringContaining("\\x1b[2Jno")]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what must not be there.
    expect(done.stderr).not.toMatch(/[\u001b\u009b\u202e]/);
    served = await serveEdge(feed);
  });
});
