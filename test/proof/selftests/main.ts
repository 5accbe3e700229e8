import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { GuestFile } from "../../../publisher/try/guest/initramfs.ts";
import { type BootOptions, bootGuest, type Guest } from "../../support/guest/guest.ts";
import { installedModules } from "../../support/guest/installed_modules.ts";
import { type Kernel, readKernels } from "../../support/guest/machine.ts";
import { hostFiles, ROOT_IN_GUEST, rebootless } from "../../support/host.ts";
import { kernelFeed } from "../../support/kernel_feed.ts";
import { type Publication, startPublication } from "../e2e/publication.ts";
import { serveTestFeed, type TestFeed } from "./feed.ts";
import { buildTestModules, type TestModules } from "./modules.ts";
import { programFiles } from "./programs.ts";
import { type Ran, readScripts, runScript, scriptFiles } from "./scripts.ts";

/*
 * tsx main.ts SOURCE [--unrouted]
 *
 * The livepatch tests of Linux on a booted kernel, with what they do to live patches done by the host's client. SOURCE
 * is where tools/setup/selftests.mjs put them. The last line on stdout is JSON, and the exit code 0 only if every case
 * passed. With --unrouted they run as they are: where that fails as well, it is not for the client.
 */

const here = dirname(fileURLToPath(import.meta.url));
const SERIES = "6.1";

const progress = (text: string) => process.stderr.write(`${text}\n`);

/** What a routed run has beside the guest. */
interface Routing {
  readonly publication: Publication;
  readonly feed: TestFeed;
  close(): Promise<void>;
}

function kernelOf(series: string): Kernel {
  const kernel = readKernels().find((one) => one.series === series && one.headers !== undefined);
  if (kernel) return kernel;
  throw new Error(`the distribution offers no kernel ${series} with headers; the tests are this series'`);
}

async function startRouting(kernel: Kernel, modules: TestModules): Promise<Routing> {
  const publication = await startPublication();
  const updates = await kernelFeed(publication, kernel, modules.plain);
  const feed = await serveTestFeed(updates, modules);
  return {
    publication,
    feed,
    async close() {
      feed.close();
      await updates.close();
      await publication.close();
    },
  };
}

async function routingFiles(source: string, routing: Routing | undefined): Promise<readonly GuestFile[]> {
  if (!routing) return scriptFiles(source, "");
  const routed = await readFile(join(here, "routed.sh"), "utf8");
  const publisher = `PUBLISHER=http://10.0.2.2:${routing.feed.port}\n`;
  return [
    ...(await scriptFiles(source, publisher + routed)),
    ...(await hostFiles(routing.publication.rootFile)),
  ];
}

async function setUp(guest: Guest, routing: Routing | undefined): Promise<void> {
  await guest.mustExec("mount -t debugfs debugfs /sys/kernel/debug");
  if (!routing) return;
  const url = guest.feedUrl(routing.publication.edge.port);
  const { code, stderr } = await rebootless(guest, "init", "--feed", url, "--root", ROOT_IN_GUEST);
  if (code !== 0) throw new Error(`init ended with ${code}: ${stderr}`);
}

async function runAll(guest: Guest, source: string): Promise<readonly Ran[]> {
  const all: Ran[] = [];
  for (const script of await readScripts(source)) {
    const ran = await runScript(guest, script);
    const seconds = Math.round(ran.result.ms / 1000);
    progress(`${script.name}: ${ran.passed.length} of ${script.cases} passed in ${seconds} s`);
    for (const name of ran.passed) progress(`  ok ${name}`);
    if (ran.passed.length !== script.cases) progress(`${ran.result.stdout}${ran.result.stderr}`);
    all.push(ran);
  }
  return all;
}

async function prove(source: string, routed: boolean): Promise<boolean> {
  const start = performance.now();
  const kernel = kernelOf(SERIES);
  const modules = await buildTestModules(kernel, source);
  const routing = routed ? await startRouting(kernel, modules) : undefined;
  let guest: Guest | undefined;
  try {
    const files = await Promise.all([
      programFiles(),
      installedModules(kernel, modules.plain),
      routingFiles(source, routing),
    ]);
    const options: BootOptions = { kernel, files: files.flat() };
    guest = await bootGuest(options);
    await setUp(guest, routing);
    const all = await runAll(guest, source);
    const cases = all.reduce((sum, { script }) => sum + script.cases, 0);
    const passed = all.reduce((sum, ran) => sum + ran.passed.length, 0);
    const good = cases > 0 && passed === cases && all.every(({ result }) => result.code === 0);
    const seconds = Math.round((performance.now() - start) / 1000);
    const result = { cases, passed, failed: cases - passed, kernel: kernel.version, routed, seconds };
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return good;
  } finally {
    await guest?.close();
    await routing?.close();
  }
}

const [source, option] = process.argv.slice(2);
if (source === undefined) throw new Error("which folder has the tests?");
process.exitCode = (await prove(source, option !== "--unrouted")) ? 0 : 1;
