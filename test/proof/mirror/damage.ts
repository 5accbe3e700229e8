import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openArtifact } from "../../../client/trust/artifacts.ts";
import { poll } from "../../../client/trust/poll.ts";
import { trustDir } from "../../../client/trust/trust_dir.ts";
import { folderFeed } from "../../../node/transport/folder_feed.ts";
import { hostVerifiers } from "../../../node/verifier.ts";
import { isCode } from "../../../shared/errors.ts";
import { artifactsIn } from "../../../shared/feed/artifacts.ts";
import { feedPath } from "../../../shared/feed/paths.ts";
import { systemClock } from "../../../shared/time.ts";
import type { Random } from "../guest/random.ts";
import type { ProofSite } from "./proof_site.ts";

/** Kinds of files that a mirror has for hosts. */
const KINDS: readonly (readonly [string, RegExp])[] = [
  ["feed", /\/feed\.json$/],
  ["timestamp", /\/timestamp\.json$/],
  ["snapshot", /\.snapshot\.json$/],
  ["targets", /\.targets\.json$/],
  ["manifest", /\/targets\/kernels\//],
  ["root", /\.root\.json$/],
  ["artifact", /^artifacts\//],
  ["index", /\/index\.json$/],
];

/** Bits are turned and ends cut off in files of every kind: `mirror verify` names each, hosts refuse it, a sync mends it. */
export async function damagedFiles(
  site: ProofSite,
  rounds: number,
  random: Random,
): Promise<Readonly<Record<string, number>>> {
  const mirror = site.path("damaged");
  await site.must("mirror", "sync", site.source, mirror, "--root", site.rootFile, "--all", "--json");
  const counts: Record<string, number> = {};
  for (let round = 0; round < rounds; round++) {
    const [kind, pattern] = KINDS[round % KINDS.length] ?? ["", /$^/];
    const files = (await pathsOf(mirror)).filter((path) => pattern.test(path));
    const path = files[Math.floor(random() * files.length)] ?? "";
    await spoil(join(mirror, path), random);
    const verified = await site.run("mirror", "verify", mirror, "--json");
    assert.equal(verified.code, 4, `${path} was damaged and not found`);
    const faults = (JSON.parse(verified.stdout) as { faults: readonly { path: string }[] }).faults;
    assert.ok(
      faults.some((fault) => fault.path === path),
      `${path} is not named`,
    );
    if (kind === "feed" || kind === "artifact") await hostRefuses(site, mirror, path, round);
    await site.must("mirror", "sync", site.source, mirror, "--json");
    await site.must("mirror", "verify", mirror, "--json");
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

async function pathsOf(mirror: string): Promise<readonly string[]> {
  const entries = await readdir(mirror, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(mirror.length + 1))
    .filter((path) => !path.startsWith("mirror/"))
    .sort();
}

async function spoil(path: string, random: Random): Promise<void> {
  const bytes = await readFile(path);
  const at = Math.floor(random() * bytes.length);
  if (random() < 0.3) {
    await rm(path); // roots are one file under many names
    return writeFile(path, bytes.subarray(0, at));
  }
  bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  await rm(path);
  await writeFile(path, bytes);
}

/** A host that was never there before, with the mirror as its feed. */
async function hostRefuses(site: ProofSite, mirror: string, path: string, round: number): Promise<void> {
  const feed = folderFeed(`file://${mirror}/`);
  const ids = path.startsWith("artifacts/") ? site.ids : site.ids.filter((id) => path === feedPath(id));
  let refused = 0;
  for (const id of ids) {
    const directory = trustDir(site.path(`host-${round}`), id, site.root);
    try {
      const subject = { directory, provisionedRoot: site.root, buildId: id, verifiers: hostVerifiers() };
      const options = { ...subject, feed, clock: systemClock };
      const { manifest } = await poll(options);
      for (const artifact of artifactsIn(manifest)) (await openArtifact(artifact, feed, directory)).close();
    } catch (error) {
      assert.ok(isCode(error, "trust") || isCode(error, "unreachable"), String(error));
      refused++;
    }
  }
  assert.equal(refused, 1, `${path} was damaged, and ${refused} hosts found it`);
}
