import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { type BuildId, buildId } from "../../../shared/brand.ts";
import { encodeBundle } from "../../../shared/feed/bundle.ts";
import { feedPath } from "../../../shared/feed/paths.ts";
import { systemClock } from "../../../shared/time.ts";
import { hostBundle, publisherBundle } from "../../support/commands.ts";
import { answerOf, type Send, startWorkerd, TestPublisher } from "../../support/edge/edge.ts";
import { type Ceremony, ceremony, secrets } from "../../support/edge/repository.ts";
import { projectRoot } from "../../support/guest/machine.ts";
import { type Publication, signedBundle } from "../../support/memory_feed.ts";
import { rawAnswer } from "../../support/raw_answer.ts";

/** The kernel that attacked hosts run, unless an attack says another one. */
export const KERNEL: BuildId = buildId("aa".repeat(20));

const RUN_MS = 60_000;
const READY_MS = 30_000;

/** How a run of a program ended. */
export interface Ended {
  /** The exit code, or 128 and the signal's number as a shell has it; 134 for an abort. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The most memory that the process held, in MB; undefined where it did not end by itself. */
  readonly peakMb: number | undefined;
}

export interface RunOptions {
  /** What the process reads in /sys/kernel/notes. */
  readonly kernel?: BuildId;
  /** The size of V8's old generation, in MB. */
  readonly heapMb?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** As umask(1) takes it. */
  readonly umask?: string;
  /** Milliseconds by which the process's clock is ahead. */
  readonly aheadMs?: number;
}

/** An edge that runs: the real one on Node (`serve`), or the real Worker in workerd. */
export interface RunningEdge {
  readonly url: string;
  readonly publisher: TestPublisher;
  readonly send: Send;
  /** What it wrote to stdout and stderr so far. */
  log(): string;
  /** Of the process on Node. */
  readonly pid?: number;
}

/** A mirror's folder. */
export interface Mirror {
  readonly folder: string;
  /** Brings it up to date once more. */
  sync(...more: readonly string[]): Promise<Ended>;
}

const notesFile = (id: BuildId): Uint8Array => {
  const description = Buffer.from(id, "hex");
  const head = Buffer.alloc(12);
  head.writeUInt32LE(4, 0);
  head.writeUInt32LE(description.length, 4);
  head.writeUInt32LE(3, 8); // NT_GNU_BUILD_ID
  return Buffer.concat([head, Buffer.from("GNU\0"), description]);
};

/** Mounts a file over the kernel's notes for one program alone, in a mount namespace of its own. */
const WITH_NOTES = 'mount --make-private /sys && mount --bind "$1" /sys/kernel/notes && shift && exec "$@"';
/** It is /sys alone that is cut off from other namespaces: in a chroot `/` is no mount, and unshare could not do it. */
const OWN_MOUNTS = ["-m", "--propagation", "unchanged"] as const;

/** What an attack works with: a folder, a feed's keys, and the built programs. Everything is undone by `close`. */
export class Stage {
  readonly #folder: string;
  readonly #cleanups: (() => unknown)[] = [];
  readonly made: Ceremony;

  private constructor(folder: string, made: Ceremony) {
    this.#folder = folder;
    this.made = made;
  }

  static async open(): Promise<Stage> {
    return new Stage(await mkdtemp(join(tmpdir(), "rebootless-attack-")), await ceremony());
  }

  async close(): Promise<void> {
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Runs when the attack is over, the newest first. */
  defer(cleanup: () => unknown): void {
    this.#cleanups.push(cleanup);
  }

  path(...names: readonly string[]): string {
    return join(this.#folder, ...names);
  }

  async write(name: string, content: string | Uint8Array): Promise<string> {
    const file = this.path(name);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    return file;
  }

  /** A feed of one kernel in a folder, signed as `options` say; returns the folder. */
  async feedFolder(name: string, id: BuildId = KERNEL, options: Partial<Publication> = {}): Promise<string> {
    const bundle = await signedBundle(this.made, id, systemClock(), options);
    await this.write(join(name, feedPath(id)), encodeBundle(bundle));
    return this.path(name);
  }

  /** An address where every request gets this answer, byte for byte. @param head the line of the status. */
  async answering(head: string, body: string): Promise<string> {
    const { url, close } = await rawAnswer(head, body);
    this.defer(close);
    return url;
  }

  /** An address where a path is answered with what lies at it, compressed; with 404 where nothing does. */
  async serving(answers: ReadonlyMap<string, Uint8Array>): Promise<string> {
    const server = createServer((request, response) => {
      const body = answers.get(request.url ?? "");
      if (body) response.setHeader("content-encoding", "gzip");
      else response.statusCode = 404;
      response.end(body && gzipSync(body, { level: 1 }));
    }).listen(0, "127.0.0.1");
    this.defer(() => server.close());
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  /** A host's folders: `--config-dir`, `--state-dir` and `--run-dir`, with the provisioned root and this configuration. */
  async host(name: string, config: string): Promise<readonly string[]> {
    await this.write(join(name, "etc/root.json"), this.made.root);
    await this.write(join(name, "etc/rebootless.toml"), config);
    const places = [
      ["config", "etc"],
      ["state", "state"],
      ["run", "run"],
    ] as const;
    return places.flatMap(([option, folder]) => [`--${option}-dir`, this.path(name, folder)]);
  }

  /** The host's program on a kernel with the build ID KERNEL, unless told. Needs root, for the mount. */
  async rebootless(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const { kernel = KERNEL } = options;
    const notes = await this.write(`notes-${kernel}`, notesFile(kernel));
    const node = nodeCommand([hostBundle, ...args], options);
    return end("unshare", [...OWN_MOUNTS, "sh", "-c", WITH_NOTES, "sh", notes, ...node], options);
  }

  /** The publisher's program. */
  publish(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
    const [command = "", ...rest] = nodeCommand([publisherBundle, ...args], options);
    return end(command, rest, options);
  }

  /** `rebootless-publish serve` over an empty folder, with the keys of `made`. */
  async serve(
    bindings: Readonly<Record<string, string>> = secrets(this.made),
    more: readonly string[] = [],
    options: Pick<RunOptions, "heapMb"> = {},
  ): Promise<RunningEdge> {
    const lines = Object.entries(bindings).map(([name, value]) => `${name}='${value}'\n`);
    const vars = await this.write("edge.vars", lines.join(""));
    const places = ["--data", this.path("data"), "--vars", vars, "--port", "0"];
    const command = [...heapOptions(options), publisherBundle, "serve", ...places, ...more];
    const server = await this.#server(command);
    const { url } = server;
    const send: Send = async (method, path, { headers, body } = {}) =>
      answerOf(
        await fetch(new URL(path, url), {
          method,
          headers: { ...headers },
          body: body ? body.slice() : null,
        }),
      );
    return { ...server, send, publisher: new TestPublisher(this.made, send) };
  }

  /** A mirror of a feed of one kernel, which lies in a folder beside it. */
  async mirror(name: string): Promise<Mirror> {
    const feed = await this.feedFolder(`${name}-feed`, KERNEL);
    const root = await this.write(`${name}-root.json`, this.made.root);
    const folder = this.path(name);
    const sync = (...more: readonly string[]) =>
      this.rebootless(["mirror", "sync", feed, folder, "--root", root, ...more]);
    const { code, stderr } = await sync("--all");
    if (code !== 0) throw new Error(`mirror sync ended with ${code}:\n${stderr}`);
    return { folder, sync };
  }

  /** `rebootless mirror serve` over a folder. */
  async serveMirror(folder: string): Promise<Pick<RunningEdge, "url" | "log">> {
    return this.#server([hostBundle, "mirror", "serve", folder, "--port", "0"]);
  }

  /** The real Worker in workerd, with the keys of `made`. */
  async workerd(bindings: Readonly<Record<string, string>> = secrets(this.made)): Promise<RunningEdge> {
    const { send, miniflare } = await startWorkerd(bindings, { quiet: true });
    this.defer(() => miniflare.dispose());
    const url = String(await miniflare.ready);
    return { url, send, log: () => "", publisher: new TestPublisher(this.made, send) };
  }

  async #server(args: readonly string[]): Promise<Pick<RunningEdge, "url" | "log" | "pid">> {
    const child = spawn(process.execPath, args, { cwd: projectRoot, stdio: ["ignore", "pipe", "pipe"] });
    this.defer(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    });
    let log = "";
    const keep = (line: string) => {
      log += `${line}\n`;
    };
    createInterface({ input: child.stderr }).on("line", keep);
    const stdout = createInterface({ input: child.stdout }).on("line", keep);
    const ready = new Promise<string>((resolve, reject) => {
      stdout.on("line", (line) => {
        const address = / at (http:\S+)/.exec(line)?.[1];
        if (address !== undefined) resolve(address);
      });
      child.once("exit", (code) => reject(new Error(`the server ended with ${code}:\n${log}`)));
      setTimeout(() => reject(new Error(`the server is not ready:\n${log}`)), READY_MS).unref();
    });
    return { url: await ready, log: () => log, ...(child.pid !== undefined && { pid: child.pid }) };
  }
}

const heapOptions = ({ heapMb }: { readonly heapMb?: number | undefined }): readonly string[] =>
  heapMb === undefined ? [] : [`--max-old-space-size=${heapMb}`];

const WITH_UMASK = 'umask "$1" && shift && exec "$@"';

const nodeCommand = (args: readonly string[], { heapMb, umask, aheadMs }: RunOptions): readonly string[] => [
  ...(umask === undefined ? [] : ["sh", "-c", WITH_UMASK, "sh", umask]),
  process.execPath,
  ...heapOptions({ heapMb }),
  "--require",
  join(projectRoot, "test/support/usage.cjs"),
  ...(aheadMs === undefined ? [] : ["--require", join(projectRoot, "test/proof/attacks/clock_ahead.cjs")]),
  ...args,
];

async function end(command: string, args: readonly string[], { env, aheadMs }: RunOptions): Promise<Ended> {
  const child = spawn(command, args, {
    cwd: projectRoot,
    env: { ...process.env, ...env, ...(aheadMs !== undefined && { CLOCK_AHEAD_MS: String(aheadMs) }) },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    timeout: RUN_MS,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, usage, [code, signal]] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
    text(child.stdio[3] as NodeJS.ReadableStream),
    once(child, "exit"),
  ]);
  const peakMb = usage === "" ? undefined : (JSON.parse(usage) as { readonly rssMb: number }).rssMb;
  return { code: code ?? (signal === "SIGABRT" ? 134 : 137), stdout, stderr, peakMb };
}
