import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { vi } from "vitest";
import { program } from "../../../client/program.ts";
import { RunRecord } from "../../../client/run_record.ts";
import { parserExitCode, runCommand } from "../../../node/cli/run_command.ts";
import { configFile, type Places, provisionedRootFile } from "../../../node/config/config.ts";
import { sha256Of } from "../../../node/crypto.ts";
import { folderLock } from "../../../node/lock.ts";
import { buildId } from "../../../shared/brand.ts";
import { decodeBundle, encodeBundle } from "../../../shared/feed/bundle.ts";
import { feedPath } from "../../../shared/feed/paths.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { DAY, type Instant, instant } from "../../../shared/time.ts";
import { type Captured, capture } from "../../support/captured.ts";
import { type Ceremony, ceremony, manifestBytes } from "../../support/edge/repository.ts";
import { FakeSystem } from "../../support/fake_system.ts";
import { signedBundle, signedRoot } from "../../support/memory_feed.ts";
import { noMirror } from "../../support/no_mirror.ts";
import { stopBy } from "../../support/stop.ts";

export const ID = buildId("0123456789abcdef0123456789abcdef01234567");
export const RELEASE = "6.1.0-57-test";

vi.mock(import("../../../client/host/identity.ts"), () => ({
  runningKernel: () => ({ buildId: ID, release: RELEASE, architecture: "x86_64" }),
}));
// These tests change nothing but folders of their own.
vi.mock(import("../../../client/host/root_user.ts"), () => ({ requireRoot: () => undefined }));

export type Output = Readonly<Captured>;

/** A host that is set up in a folder of its own, its command line, and feeds for it. */
export class SmallHost {
  readonly system = new FakeSystem();
  readonly logged: string[] = [];
  /** What a stop request aborts. */
  stop = new AbortController();
  now: Instant = instant(Date.UTC(2036, 5, 1));
  readonly dir: string;
  readonly places: Places;
  readonly #made: Ceremony;
  readonly #servers: Server[] = [];
  #version = 0;

  private constructor(dir: string, made: Ceremony) {
    this.dir = dir;
    this.places = { configDir: join(dir, "etc"), stateDir: join(dir, "state"), runDir: join(dir, "run") };
    this.#made = made;
  }

  /** @param made the keys of its feeds, and the root that it is provisioned with. */
  static async make(made?: Ceremony): Promise<SmallHost> {
    const dir = await mkdtemp(join(tmpdir(), "rebootless-host-"));
    const host = new SmallHost(dir, made ?? (await ceremony(instant(Date.UTC(2036, 5, 1)))));
    await mkdir(host.places.configDir);
    await writeFile(provisionedRootFile(host.places), host.#made.root);
    return host;
  }

  async remove(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
    await rm(this.dir, { recursive: true });
  }

  configure(text: string): Promise<void> {
    return writeFile(configFile(this.places), text);
  }

  /** The next version of a feed with these updates, as the bytes of its feed.json. */
  feedJson(...updates: readonly Update[]): Promise<Uint8Array> {
    return this.feedOf(manifestBytes(ID, updates));
  }

  /** The same with any manifest at all. */
  async feedOf(manifest: Uint8Array): Promise<Uint8Array> {
    const version = ++this.#version;
    const versions = { timestamp: version, snapshot: version, targets: version };
    return encodeBundle(await signedBundle(this.#made, ID, this.now, { manifest, versions }));
  }

  /** Puts a feed into a folder, which is its address. */
  async folder(name: string, feedJson: Uint8Array): Promise<string> {
    const file = join(this.dir, name, feedPath(ID));
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, feedJson);
    return join(this.dir, name);
  }

  /** Puts a feed into a folder as the files of a TUF repository, with later roots of the same keys. */
  async tufFolder(name: string, feedJson: Uint8Array, roots = 1): Promise<string> {
    const { timestamp, snapshot, targets, manifest } = decodeBundle(feedJson);
    const folder = join(this.dir, name, "kernels", ID);
    const v = this.#version;
    const files: (readonly [string, Uint8Array])[] = [
      ["metadata/timestamp.json", timestamp],
      [`metadata/${v}.snapshot.json`, snapshot],
      [`metadata/${v}.targets.json`, targets],
      [`targets/kernels/${sha256Of(manifest)}.${ID}.json`, manifest],
    ];
    for (let n = 2; n <= roots; n++) {
      files.push([
        `metadata/${n}.root.json`,
        signedRoot(this.#made, n, instant(this.now + 400 * DAY), this.#made.keys),
      ]);
    }
    for (const [path, bytes] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
    }
    return join(this.dir, name);
  }

  /** Serves by HTTP; returns the address. */
  async serve(listener: RequestListener): Promise<string> {
    const server = createServer(listener);
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return `http://127.0.0.1:${address.port}/`;
  }

  /** A feed over HTTP, with its tag. */
  serveFeed(feedJson: Uint8Array): Promise<string> {
    return this.serve((request, response) => {
      if (request.url !== `/${feedPath(ID)}`) response.writeHead(404).end();
      else if (request.headers["if-none-match"] === '"1"') response.writeHead(304).end();
      else response.writeHead(200, { etag: '"1"' }).end(feedJson);
    });
  }

  /** One command, as main.ts runs it. */
  async run(...args: readonly string[]): Promise<Output> {
    const { self, output } = capture();
    const root = program(
      "1.2.3",
      (command, globals, action) =>
        runCommand(self, command, globals, (terminal) =>
          action({
            places: globals,
            terminal,
            clock: () => this.now,
            system: this.system,
            lock: folderLock(globals.stateDir),
            stop: stopBy(this.stop),
            exitWith: self.exitWith,
            record: new RunRecord(async (line) => void this.logged.push(line)),
          }),
        ),
      noMirror,
    );
    const { configDir, stateDir, runDir } = this.places;
    const places = ["--config-dir", configDir, "--state-dir", stateDir, "--run-dir", runDir];
    await root.parseAsync([...places, ...args], { from: "user" }).catch((error: unknown) => {
      self.exitWith(parserExitCode(error));
    });
    return output;
  }

  async status(): Promise<Record<string, unknown>> {
    return JSON.parse(await readFile(join(this.places.runDir, "status.json"), "utf8"));
  }
}
