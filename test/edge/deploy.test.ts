import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { parse } from "smol-toml";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TEXT_BINDINGS } from "../../edge/config.ts";

const run = promisify(execFile);

let work: string;
let offline: string;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "deploy-"));
  offline = join(work, "offline.cjs");
  await writeFile(offline, OFFLINE);
});
afterAll(() => rm(work, { recursive: true, force: true }));

/** A process that loads this first has no network. */
const OFFLINE = `
  const fail = (code) => Object.assign(new Error(code), { code });
  require("node:dns").lookup = (_, options, done = options) => process.nextTick(done, fail("EAI_AGAIN"));
  require("node:net").Socket.prototype.connect = function () {
    process.nextTick(() => this.destroy(fail("ENETUNREACH")));
    return this;
  };
`;

async function dryRun(name: string, ...options: readonly string[]): Promise<string> {
  const args = ["node_modules/wrangler/bin/wrangler.js", "deploy", "--dry-run", "--outdir", join(work, name)];
  const env = { ...process.env, NODE_OPTIONS: `--require ${offline}`, WRANGLER_HIDE_BANNER: "true" };
  const { stdout } = await run(process.execPath, [...args, ...options], { env, timeout: 60_000 });
  expect(stdout).toContain("--dry-run: exiting now.");
  expect((await stat(join(work, name, "worker.js"))).size).toBeGreaterThan(100_000);
  return stdout;
}

type Table = Readonly<Record<string, unknown>>;
const names = (list: unknown, member: string) => (list as Table[]).map((entry) => entry[member]);

describe("a deployment", () => {
  it("is built without a network and without a question", async () => {
    expect(await dryRun("production")).toContain("env.FEED (rebootless-feed)");
  });

  it("has a staging environment of its own", async () => {
    expect(await dryRun("staging", "--env", "staging")).toContain("env.FEED (rebootless-feed-staging)");
  });

  it("binds in staging all that production binds, and shares none of it", async () => {
    const text = await readFile("wrangler.toml", "utf8");
    const production = parse(text) as Table;
    const staging = (production["env"] as Table)["staging"] as Table;
    // What an environment does not inherit, as Wrangler lists it, as far as it is used here.
    const bound = [
      "vars",
      "r2_buckets",
      "durable_objects",
      "ratelimits",
      "analytics_engine_datasets",
      "kv_namespaces",
    ];
    const has = (table: Table) => bound.filter((name) => name in table);
    expect(has(staging)).toEqual(has(production));
    expect((staging["durable_objects"] as Table)["bindings"]).toEqual(
      (production["durable_objects"] as Table)["bindings"],
    );
    expect(Object.keys(staging["vars"] as Table)).toEqual(Object.keys(production["vars"] as Table));
    expect(names(staging["r2_buckets"], "binding")).toEqual(names(production["r2_buckets"], "binding"));
    const buckets = names(production["r2_buckets"], "bucket_name");
    for (const bucket of names(staging["r2_buckets"], "bucket_name")) expect(buckets).not.toContain(bucket);
  });

  it("names every secret that the edge reads", async () => {
    const text = await readFile("wrangler.toml", "utf8");
    for (const name of TEXT_BINDINGS) expect(text).toMatch(new RegExp(`^(?:#   )?${name}\\b`, "m"));
  });
});
