import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { gnuBuildId } from "../../shared/elf/notes.ts";
import { feedPath } from "../../shared/feed/paths.ts";
import { kernelNumber, makeRepository } from "../../test/support/edge/many_kernels.ts";
import { projectRoot } from "../../test/support/guest/machine.ts";
import { makeCertificate } from "./certificate.ts";
import { rebootless, tufJs } from "./clients.ts";
import { measure } from "./measure.ts";
import { BARE, FLOOR, OURS, report } from "./report.ts";
import { Results } from "./results.ts";
import { SCHEMES, serve } from "./server.ts";

/*
 * npm run bench:poll [-- [--before DIST]... [KERNELS [ROUNDS]]]
 *
 * Measures what a poll costs a host over HTTPS and over HTTP, with news and without: the client that is built here, the builds
 * that `--before` names, and tuf-js, on one repository. Beside them stand `node -e 0` and a bare conditional GET by Node, below
 * which no poll can go. All take turns in each round. The kernel polled for is the one this machine runs. The last line is JSON.
 */

const UPDATES = 3;

const { values, positionals } = parseArgs({
  options: { before: { type: "string", multiple: true, default: [] } },
  allowPositionals: true,
});
const [kernels, rounds] = [Number(positionals[0] ?? 20_000), Number(positionals[1] ?? 15)];

const buildId = gnuBuildId(await readFile("/sys/kernel/notes"));
if (!buildId) throw new Error("this machine's kernel has no build ID");
const work = await mkdtemp(join(tmpdir(), "rebootless-bench-"));
const repository = await makeRepository();
const certificate = await makeCertificate(work);
const server = await serve(repository.root, certificate);
process.stderr.write(`signing ${kernels} kernels\n`);
for (let n = 1; n < kernels; n++) await server.put(await repository.bundle(kernelNumber(n), 1, UPDATES));
let version = 0;
const publishNews = async () => server.put(await repository.bundle(buildId, ++version, UPDATES));
await publishNews();

const rootFile = join(work, "root.json");
await writeFile(rootFile, repository.root);
const run = (args: readonly string[]) =>
  measure(server, args, { env: { NODE_EXTRA_CA_CERTS: certificate.file } });
const clients = await Promise.all(
  SCHEMES.flatMap((scheme) => {
    const setting = { scheme, url: server.urls[scheme], buildId, rootFile, work };
    return [
      rebootless(setting, { name: OURS, dist: join(projectRoot, "dist") }),
      ...values.before.map((dist) => rebootless(setting, { name: dist, dist: resolve(dist) })),
      tufJs(setting),
    ];
  }),
);
for (const { setUp, poll } of clients) {
  if (setUp) await run(setUp);
  await run(poll);
}

const results = new Results();
for (let round = 1; round <= rounds; round++) {
  process.stderr.write(`round ${round} of ${rounds}\n`);
  results.add({ name: FLOOR }, await measure(server, ["-e", "0"]));
  for (const scheme of SCHEMES) {
    const url = `${server.urls[scheme]}${feedPath(buildId)}`;
    results.add({ name: BARE, scheme }, await run([join(projectRoot, "bench/poll/bare_get.cjs"), url]));
  }
  for (const news of ["unchanged", "changed"] as const) {
    if (news === "changed") await publishNews();
    for (const { name, scheme, poll } of clients) results.add({ name, scheme, news }, await run(poll));
  }
}
await server.close();
await rm(work, { recursive: true });
report({ kernels, updates: UPDATES, rounds }, results.medians());
