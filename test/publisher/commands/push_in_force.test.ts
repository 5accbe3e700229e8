import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BuildId } from "../../../shared/brand.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { decodeTargets, parseEnvelope } from "../../../shared/tuf/schema.ts";
import { manifestBytes, someBuildId, updateOf } from "../../support/edge/repository.ts";
import { cli, jsonOf, mustCli, type Outcome } from "./cli.ts";
import { FEED, type ServedEdge, serveEdge } from "./served_edge.ts";

const PASSPHRASE = "several random words";
/** Nothing listens there. */
const NOWHERE = "http://127.0.0.1:1/";
/** Far less than asking again takes. */
const AT_ONCE_MS = 5000;

let work: string;
let dir: string;
let served: ServedEdge;
beforeEach(async () => {
  work = await mkdtemp(join(tmpdir(), "rebootless-in-force-"));
  dir = join(work, "feed");
  await mustCli(["init", dir, ...FEED]);
  served = await serveEdge(dir);
});
afterEach(async () => {
  await served.close();
  await rm(work, { recursive: true });
});

const keyPath = (name: string) => join(dir, "keys", `${name}.json`);
const module = () => join(work, "fix.ko");
const signers = async (id: BuildId) =>
  parseEnvelope((await served.edge().publisher.feed(id)).targets, "targets").signatures.size;
const versionOf = async (id: BuildId) =>
  decodeTargets(parseEnvelope((await served.edge().publisher.feed(id)).targets, "targets").signed).version;

async function draft(id: BuildId, ...names: readonly string[]): Promise<string> {
  const bytes = utf8("\u007fELF fix");
  await writeFile(module(), bytes);
  const path = join(work, `${id}.json`);
  await writeFile(path, manifestBytes(id, await Promise.all(names.map((name) => updateOf(name, bytes)))));
  return path;
}
const push = (args: readonly string[], ...more: readonly string[]) =>
  cli(["push", dir, "--module", module(), "--feed", served.url, ...args, ...more]);
async function seal(...names: readonly string[]): Promise<void> {
  for (const name of names)
    await mustCli(["keys", "passwd", keyPath(name)], { types: [PASSPHRASE, PASSPHRASE] });
}

describe("pushing what is in force already", () => {
  it("asks for no passphrase and no consent, signs nothing and says so", async () => {
    const id = someBuildId();
    const path = await draft(id, "fix-1");
    expect((await push([path])).code).toBe(0);
    await seal("token", "targets-1", "targets-2", "targets-3");
    const again = await cli(["push", dir, path, "--feed", served.url], { types: [], says: false });
    expect([again.code, again.asked]).toEqual([0, []]);
    expect(again.stdout).toMatch(/^nothing to publish: version 1 for 6\.1\.0-test, which is in force/);
    expect(await versionOf(id)).toBe(1);
    const tried = await cli(["push", dir, path, "--feed", served.url, "--dry-run"], {
      types: [],
      says: false,
    });
    expect([tried.code, tried.asked, tried.stdout]).toEqual([
      0,
      [],
      expect.stringMatching(/nothing to publish/),
    ]);
  });

  it("of many kernels asks for nothing either, and signs only for those that lack something", async () => {
    const ids = Array.from({ length: 12 }, someBuildId);
    const paths = await Promise.all(ids.map((id) => draft(id, "fix-1")));
    expect((await push(paths.slice(1))).code).toBe(0);
    await seal("token", "targets-1", "targets-2", "targets-3");
    const nobody = await cli(["push", dir, ...paths.slice(1), "--feed", served.url, "--json"], { types: [] });
    expect([nobody.code, nobody.asked]).toEqual([0, []]);
    expect(jsonOf(nobody)).toMatchObject({ unchanged: 11, published: 0, requests: 0 });
    const all = ["push", dir, ...paths, "--module", module(), "--feed", served.url, "--json"];
    const one = await cli(all, { types: [PASSPHRASE], says: true });
    expect([one.code, jsonOf(one)]).toEqual([0, expect.objectContaining({ unchanged: 11, published: 1 })]);
  });

  it("signs it again where it stands on the signature of a key that was taken away", async () => {
    const id = someBuildId();
    const path = await draft(id, "fix-1");
    await rename(keyPath("targets-3"), join(work, "targets-3.json"));
    await push([path]);
    await rename(keyPath("targets-1"), join(work, "stolen.json"));
    await rename(join(work, "targets-3.json"), keyPath("targets-3"));
    expect([(await push([path])).code, await versionOf(id), await signers(id)]).toEqual([0, 2, 2]);
    expect((await push([path])).stdout).toMatch(/nothing to publish/);
    expect(await versionOf(id)).toBe(2);
  });
});

async function spoilt(file: string, path: string): Promise<readonly string[]> {
  await writeFile(file, "{}");
  return [path];
}
const lastWords = ({ code, stderr }: Outcome) => [code, /^error: .*$/m.exec(stderr)?.[0]];

describe("a dry run of a push fails as the push would", () => {
  it.each<readonly [string, number, RegExp, (path: string) => Promise<readonly string[]>]>([
    ["a feed out of reach", 3, /did not answer/, async (path) => [path, "--feed", NOWHERE]],
    ["a draft that is none", 1, /is not a draft/, async (path) => spoilt(path, path)],
    ["a draft that is not there", 2, /cannot read/, async () => [join(work, "absent.json")]],
    [
      "a module that is not there",
      2,
      /cannot read/,
      async (path) => [path, "--module", join(work, "absent")],
    ],
    ["an expiry that is past", 4, /which is in the past/, async (path) => [path, "--expires", "2020-01-01"]],
    [
      "too few keys",
      2,
      / has 1 targets key, but 2 must sign/,
      async (path) => {
        for (const n of [2, 3]) await rename(keyPath(`targets-${n}`), join(work, `${n}.json`));
        return [path];
      },
    ],
    [
      "a token that the edge does not know",
      13,
      /the edge refused/,
      async (path) => {
        await mustCli(["init", join(work, "other"), ...FEED]);
        await rename(join(work, "other", "keys", "token.json"), keyPath("token"));
        return [path];
      },
    ],
    [
      "a module that neither side has",
      13,
      /artifact [0-9a-f]{64} was not staged/,
      async (path) => spoilt(module(), path),
    ],
    [
      "a state that does not verify",
      4,
      /the version in force does not verify/,
      async (path) => {
        await push([path]);
        const keys = [1, 2, 3].map((n) => `targets-${n}`);
        for (const name of keys) await rename(keyPath(name), join(work, `${name}.json`));
        const other = join(work, "other");
        await mustCli(["init", other, ...FEED]);
        await rename(join(other, "root", "1.root.json"), join(dir, "root", "1.root.json"));
        return [path];
      },
    ],
  ])("with %s", async (_, code, words, spoil) => {
    const path = await draft(someBuildId(), "fix-1");
    const args = await spoil(path);
    const start = performance.now();
    const tried = await push(args, "--dry-run");
    expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
    expect(lastWords(tried)).toEqual([code, expect.stringMatching(words)]);
    expect(lastWords(await push(args))).toEqual(lastWords(tried));
  });

  it("of many kernels at once too, when nothing answers from the beginning", async () => {
    const paths = [await draft(someBuildId(), "fix-1"), await draft(someBuildId(), "fix-1")];
    for (const mode of [["--dry-run"], []]) {
      const start = performance.now();
      const outcome = await cli(["push", dir, ...paths, "--feed", NOWHERE, ...mode], { says: true });
      expect(performance.now() - start).toBeLessThan(AT_ONCE_MS);
      expect([outcome.code, outcome.asked]).toEqual([3, []]);
      expect(outcome.stderr).toMatch(/0 of 2 kernels done/);
    }
  });
});
