import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { program } from "../../mirror/program.ts";
import { parserExitCode, runCommand } from "../../node/cli/run_command.ts";
import { sha256Of } from "../../node/crypto.ts";
import { type BuildId, buildId } from "../../shared/brand.ts";
import { encodeManifest } from "../../shared/feed/manifest.ts";
import { encodePublication, publishPath, stagingPath } from "../../shared/feed/publication.ts";
import { DAY, type Instant, instant } from "../../shared/time.ts";
import { type Captured, capture } from "../support/captured.ts";
import type { Answer } from "../support/edge/edge.ts";
import { type InProcess, inProcess } from "../support/edge/in_process.ts";
import { type Ceremony, ceremony, manifestOf, signedTargets, updateOf } from "../support/edge/repository.ts";
import { stopBy } from "../support/stop.ts";

export const kernelId = (n: number): BuildId => buildId(n.toString(16).padStart(40, "0"));

/** What is published for a kernel; every update has a module of its own, made of its name. */
export interface Published {
  readonly release?: string;
  readonly distribution?: string;
  readonly updates?: readonly string[];
  readonly recalled?: readonly string[];
  /** Of targets, in milliseconds: 300 days. */
  readonly life?: number;
}

/** A real edge (in this process, over HTTP) with a clock that the test moves, and a place for mirrors. */
export class Site {
  now: Instant = instant(Date.UTC(2036, 5, 1));
  /** SOURCE_DATE_EPOCH of commands. */
  sourceDate: string | undefined;
  readonly dir: string;
  readonly made: Ceremony;
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  /** In place of the edge's answer. */
  interfere: (path: string) => { readonly status: number; readonly body: Uint8Array | string } | undefined =
    () => undefined;
  #edge: InProcess | undefined;
  #server: Server | undefined;
  readonly #facts = new Map<BuildId, Published>();
  readonly #versions = new Map<BuildId, number>();

  private constructor(dir: string, made: Ceremony) {
    this.dir = dir;
    this.made = made;
  }

  static async open(): Promise<Site> {
    const dir = await mkdtemp(join(tmpdir(), "rebootless-mirror-"));
    const site = new Site(dir, await ceremony(instant(Date.UTC(2036, 5, 1))));
    site.#edge = await inProcess(site.made, () => site.now);
    const server = createServer(async (request, response) => {
      const path = request.url ?? "/";
      site.asked.push(path);
      const other = site.interfere(path);
      if (other) return void response.writeHead(other.status).end(other.body);
      const tag = request.headers["if-none-match"];
      const answer = await site.edge.send(
        "GET",
        path,
        tag === undefined ? {} : { headers: { "If-None-Match": tag } },
      );
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(answer.bytes);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    site.#server = server;
    await writeFile(site.path("root.json"), site.made.root);
    return site;
  }

  get edge(): InProcess {
    if (!this.#edge) throw new Error("not open");
    return this.#edge;
  }

  get url(): string {
    const address = this.#server?.address();
    if (!address || typeof address === "string") throw new Error("no port");
    return `http://127.0.0.1:${address.port}/`;
  }

  path(name: string): string {
    return join(this.dir, name);
  }

  pass(milliseconds: number): void {
    this.now = instant(this.now + milliseconds);
  }

  /** With a publisher's token. */
  send(method: string, path: string, body: Uint8Array): Promise<Answer> {
    return this.edge.publisher.signedRequest(method, path, body, { now: this.now });
  }

  async publish(id: BuildId, what: Published = {}): Promise<void> {
    const base = this.#versions.get(id) ?? 0;
    const updates = [];
    for (const name of what.updates ?? []) {
      const module = moduleOf(name);
      await this.send("PUT", `/${stagingPath(sha256Of(module))}`, module);
      const recalled = what.recalled?.includes(name) ? "it was bad" : null;
      updates.push({ ...(await updateOf(name, module)), recalled });
    }
    const { kernel, ...rest } = manifestOf(id, updates);
    const { release, distribution } = { ...this.#facts.get(id), ...what };
    const facts = { ...kernel, ...(release && { release }), ...(distribution && { distribution }) };
    this.#facts.set(id, facts);
    const manifest = encodeManifest({ ...rest, kernel: facts });
    const expires = instant(this.now + (what.life ?? 300 * DAY));
    const targets = await signedTargets(this.made, id, manifest, { version: base + 1, expires });
    const body = encodePublication({ buildId: id, base, targets, manifest });
    const answer = await this.send("POST", `/${publishPath(id)}`, body);
    if (answer.status !== 201) throw new Error(`${answer.status} ${Buffer.from(answer.bytes)}`);
    this.#versions.set(id, base + 1);
  }

  /** One command, as main.ts runs it. */
  async run(...args: readonly string[]): Promise<Captured> {
    const { self, output } = capture();
    const root = program("1.2.3", (command, globals, action) =>
      runCommand(self, command, globals, (terminal) =>
        action({
          places: globals,
          terminal,
          clock: () => this.now,
          sourceDate: this.sourceDate,
          stop: stopBy(),
          exitWith: self.exitWith,
        }),
      ),
    );
    const places = ["--config-dir", this.path("etc"), "--state-dir", this.path("state"), "--quiet"];
    await root.parseAsync([...places, ...args], { from: "user" }).catch((error: unknown) => {
      self.exitWith(parserExitCode(error));
    });
    return output;
  }

  /** The same with --json, as an object; throws unless it ends with this code. */
  async json(code: number, ...args: readonly string[]): Promise<Record<string, never>> {
    const output = await this.run("--json", ...args);
    if (output.code !== code)
      throw new Error(`${args.join(" ")}: ${output.code}\n${output.stdout}${output.stderr}`);
    return JSON.parse(output.stdout);
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    this.#server?.close();
    await rm(this.dir, { recursive: true });
  }
}

export const moduleOf = (name: string): Uint8Array =>
  new Uint8Array(Buffer.from(`module of ${name} `.repeat(20)));

/** Every file below a folder but the mirror's own, by its path. */
export async function filesBelow(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = new Map<string, Buffer>();
  for (const entry of entries) {
    const full = join(entry.parentPath, entry.name);
    const path = full.slice(folder.length + 1);
    if (entry.isFile() && !path.startsWith("mirror/")) files.set(path, await readFile(full));
  }
  return new Map([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
}
