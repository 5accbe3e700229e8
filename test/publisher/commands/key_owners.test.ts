import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cli, jsonOf, mustCli } from "./cli.ts";
import { FEED, type ServedEdge, serveEdge } from "./served_edge.ts";

const groups = (id: string): string => (id.match(/.{4}/g) ?? []).join(" ");

let dir: string;
let feed: string;
let request: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-owners-"));
  feed = join(dir, "feed");
  request = join(dir, "request.json");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

/** A key with an owner; its id. */
async function keyOf(owner: string, file = join(dir, `${owner}.key`)): Promise<string> {
  const made = await mustCli(["--json", "keys", "new", file, "--no-passphrase", "--owner", owner]);
  return jsonOf<{ id: string }>(made).id;
}

const propose = (...changes: readonly string[]) => cli(["root", "propose", feed, "-o", request, ...changes]);
const keyPath = (name: string) => join(feed, "keys", `${name}.json`);

interface Keyed {
  readonly keys: Readonly<Record<string, object>>;
  readonly roles: { readonly root: { readonly keyids: readonly string[] } };
}
const rootOf = async (version: number) =>
  (JSON.parse(await readFile(join(feed, "root", `${version}.root.json`), "utf8")) as { signed: Keyed })
    .signed;

describe("people who compare keys", () => {
  let served: ServedEdge;
  beforeEach(async () => {
    await mustCli(["init", feed, ...FEED, "--owner", "Hub"]);
    served = await serveEdge(feed);
  });
  afterEach(() => served.close());

  it("see ids in groups of four, with the owner's name, in every review", async () => {
    const id = await keyOf("Alice Example");
    expect((await mustCli(["keys", "show", join(dir, "Alice Example.key")])).stdout).toMatch(
      new RegExp(`^key        ${groups(id)}\nowner      Alice Example$`, "m"),
    );
    const proposed = await propose("--add-key", `root=${join(dir, "Alice Example.key.pub")}`);
    const line = `  + key    ${groups(id)}  Alice Example (ed25519)`;
    expect(proposed.stdout.split("\n")).toContain(line);
    const reviewed = await cli(["sign", request, "--key", keyPath("root-1")], { says: true });
    expect(reviewed.shown).toContain(line);
    const [signer = ""] = (await rootOf(1)).roles.root.keyids;
    expect(reviewed.stdout.split("\n")).toContain(`signed     ${request} with ${groups(signer)}  Hub`);
    expect(reviewed.stdout.split("\n")).toContain(`  signed   ${groups(signer)}  Hub`);
    expect(reviewed.stdout.split("\n")).toContain(`  missing  ${groups(id)}  Alice Example`);
    await mustCli(["sign", request, "--key", keyPath("root-2"), "--yes"]);
    await mustCli(["root", "publish", feed, request, "--feed", served.url]);
    const status = await mustCli(["root", "status", feed]);
    expect(status.stdout.split("\n")).toContain(`  key      ${groups(id)}  Alice Example`);
    expect(status.stdout.split("\n")).toContain(
      `  key      ${groups(signer)}  Hub, here in root-1.json, not encrypted`,
    );
    expect((await rootOf(2)).keys[id]).toMatchObject({ "x-rebootless-owner": "Alice Example" });
  });

  it("take a key out by its owner, or by the groups that they wrote down", async () => {
    await keyOf("Alice Example");
    await propose("--add-key", `root=${join(dir, "Alice Example.key.pub")}`);
    for (const n of [1, 2]) await mustCli(["sign", request, "--key", keyPath(`root-${n}`), "--yes"]);
    await mustCli(["root", "publish", feed, request, "--feed", served.url]);
    const [first = ""] = (await rootOf(2)).roles.root.keyids;
    for (const meant of ["Alice Example", groups(first).slice(0, 14), first.slice(0, 8)]) {
      await rm(request);
      expect((await propose("--remove-key", `root=${meant}`)).stdout).toMatch(/^ {2}- key/m);
    }
    const several = await cli(["root", "propose", feed, "-o", join(dir, "no"), "--remove-key", "root=Hub"]);
    expect([several.code, several.stderr]).toEqual([2, expect.stringContaining("names 3 keys of root")]);
  });

  it("get ids as they are with --json", async () => {
    const id = await keyOf("Alice");
    const proposed = await mustCli([
      ...["--json", "root", "propose", feed, "-o", request],
      ...["--add-key", `root=${join(dir, "Alice.key.pub")}`],
    ]);
    const { changes, quorums } = jsonOf<{
      changes: readonly string[];
      quorums: readonly { missing: readonly string[]; owners: Record<string, string> }[];
    }>(proposed);
    expect(changes).toContain(`  + key    ${id}  Alice (ed25519)`);
    expect(quorums[1]?.missing).toContain(id);
    expect(quorums[1]?.owners[id]).toBe("Alice");
  });
});

describe("a root from before keys had owners", () => {
  it("goes on, and names them with its next version", async () => {
    await mustCli(["init", feed, ...FEED]);
    expect(await readFile(join(feed, "root/1.root.json"), "utf8")).not.toContain("owner");
    const served = await serveEdge(feed);
    const [first = "", second = ""] = (await rootOf(1)).roles.root.keyids;
    expect(
      (await propose("--owner", `${first.slice(0, 8)}=Alice`, "--owner", `${groups(second)}=Bob`)).code,
    ).toBe(0);
    for (const n of [1, 2]) await mustCli(["sign", request, "--key", keyPath(`root-${n}`), "--yes"]);
    await mustCli(["root", "publish", feed, request, "--feed", served.url]);
    expect((await rootOf(2)).keys[second]).toMatchObject({ "x-rebootless-owner": "Bob" });
    const trust = (await (await fetch(`${served.url}trust`)).json()) as { roles: { owners: object }[] };
    expect(trust.roles[0]?.owners).toEqual({ [first]: "Alice", [second]: "Bob" });
    await served.close();
  });
});

describe("a name", () => {
  it("that could pass for something else is refused where it is given", async () => {
    for (const name of ["", "01234567", "Alice\u001b[2K", "O'Brien", " Alice"]) {
      const done = await cli(["keys", "new", join(dir, "k"), "--no-passphrase", "--owner", name]);
      expect([done.code, done.stderr]).toEqual([2, expect.stringContaining("letters, digits")]);
    }
  });

  it("in somebody else's public key is judged when the key is proposed", async () => {
    await mustCli(["init", feed, ...FEED]);
    await keyOf("Alice");
    const file = join(dir, "Alice.key.pub");
    await writeFile(file, (await readFile(file, "utf8")).replace('"Alice"', '"Alice\\u202e"'));
    const done = await propose("--add-key", `root=${file}`);
    expect([done.code, done.stderr]).toEqual([1, expect.stringContaining("not a valid name of an owner")]);
  });

  it("cannot be changed in a sealed key file without its passphrase", async () => {
    const file = join(dir, "sealed.key");
    const types = ["several random words", "several random words", "several random words"];
    await mustCli(["keys", "new", file, "--owner", "Alice"], { types });
    await writeFile(file, (await readFile(file, "utf8")).replace('"Alice"', '"Mallory"'));
    const done = await cli(["keys", "passwd", file, "--no-passphrase"], { types });
    expect([done.code, done.stderr]).toEqual([2, expect.stringContaining("does not open")]);
  });
});
