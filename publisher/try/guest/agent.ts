import type { Socket } from "node:net";
import { RebootlessError } from "../../../shared/errors.ts";

/*
 * What is spoken on the virtio port with the script of guest_init.ts. Requests are a line and, where a length is given, so many
 * bytes; a number names the request, and answers come in any order:
 *
 *   exec ID LENGTH            then a shell script
 *   put ID LENGTH MODE PATH   then the file's bytes
 *   kill ID                   ends the script and all that it started; no answer of its own
 *   ID CODE OUT ERR           the answer: exit code, lengths of stdout and stderr, then the bytes of both
 *
 * A shell and not node serves the other end: it is there in no time, and a process less is in the way of patching.
 */

/** What a request came to; for `put` the output is empty. */
export interface AgentAnswer {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: Buffer;
}

const KILL_GRACE_MS = 10_000;
const CLOSED_GRACE_MS = 2_000;
const MAX_HEADER_BYTES = 100;
/** The most bytes of one answer: a whole kernel's memory of code, or the log of a long run, has less. */
const MAX_ANSWER_BYTES = 512 << 20;

interface Pending {
  readonly resolve: (answer: AgentAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** The bytes received and not yet used; joined only when enough are there. */
class Inbox {
  #chunks: Buffer[] = [];
  #length = 0;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  get length(): number {
    return this.#length;
  }

  take(length: number): Buffer {
    const all = Buffer.concat(this.#chunks);
    this.#chunks = [all.subarray(length)];
    this.#length = all.length - length;
    return all.subarray(0, length);
  }

  /** The next line without its end, or undefined if its end has not come. */
  takeLine(): string | undefined {
    const head = Buffer.concat(this.#chunks);
    this.#chunks = [head];
    const end = head.indexOf("\n");
    if (end >= 0) return this.take(end + 1).toString("latin1", 0, end);
    if (head.length <= MAX_HEADER_BYTES) return undefined;
    throw new RebootlessError("parse", "the guest's agent sent a line without an end");
  }
}

interface Header {
  readonly id: number;
  readonly code: number;
  readonly out: number;
  readonly err: number;
}

const isCount = (value: number): boolean => Number.isSafeInteger(value) && value >= 0;

function parseHeader(line: string): Header {
  const numbers = line.split(" ").map(Number);
  const [id, code, out, err] = numbers;
  const all = id !== undefined && code !== undefined && out !== undefined && err !== undefined;
  if (all && numbers.length === 4 && numbers.every(isCount) && out + err <= MAX_ANSWER_BYTES)
    return { id, code, out, err };
  throw new RebootlessError("parse", `the guest's agent sent ${JSON.stringify(line)}`);
}

/** The host's end of the guest's agent. */
export class Agent {
  readonly #socket: Socket;
  readonly #inbox = new Inbox();
  readonly #pending = new Map<number, Pending>();
  #header: Header | undefined;
  #lastId = 0;
  #failure: Error | undefined;
  #isReady = false;
  #onReady: Pending | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("error", (cause) => this.fail(new RebootlessError("io", "the agent's port failed", { cause })));
    // QEMU's end closes it too, and whoever watches QEMU knows more: give them time to say so first.
    const closed = (): void => this.fail(new RebootlessError("io", "the agent's port was closed"));
    socket.on("close", () => setTimeout(closed, CLOSED_GRACE_MS).unref());
  }

  /** Resolves when the guest serves commands. Throws `io` after `timeoutMs`, or the reason of `fail`. */
  async ready(timeoutMs: number): Promise<void> {
    const started = new Promise<AgentAnswer>((resolve, reject) => {
      this.#onReady = { resolve, reject };
      if (this.#failure !== undefined) reject(this.#failure);
      else if (this.#isReady) resolve({ code: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) });
    });
    await withDeadline(started, timeoutMs, () => `the guest did not come up in ${timeoutMs} ms`);
  }

  /** Runs a shell script. After `timeoutMs` it is killed and `io` thrown, with what it printed until then. */
  async run(script: string, timeoutMs: number): Promise<AgentAnswer> {
    const id = this.#nextId();
    const bytes = Buffer.from(script);
    const answer = this.#request(id, `exec ${id} ${bytes.length}\n`, bytes);
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      this.#socket.write(`kill ${id}\n`);
    }, timeoutMs);
    try {
      const result = await withDeadline(answer, timeoutMs + KILL_GRACE_MS, () => "the guest does not answer");
      if (!isLate) return result;
      const printed = `${result.stdout}${result.stderr}`.slice(-2000);
      throw new RebootlessError("io", `not done in ${timeoutMs} ms: ${script.slice(0, 200)}\n${printed}`);
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  /** Writes a file, and the directories it needs. */
  async put(path: string, bytes: Uint8Array, mode: number, timeoutMs: number): Promise<AgentAnswer> {
    const id = this.#nextId();
    const line = `put ${id} ${bytes.length} ${mode.toString(8)} ${path}\n`;
    const answer = this.#request(id, line, bytes);
    return await withDeadline(answer, timeoutMs, () => `${path}: not written in ${timeoutMs} ms`);
  }

  /** Ends all that waits, and all that comes later, with `error`. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#onReady?.reject(error);
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  close(): void {
    this.#socket.destroy();
  }

  #nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  #request(id: number, line: string, bytes: Uint8Array): Promise<AgentAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined) {
        reject(this.#failure);
        return;
      }
      this.#pending.set(id, { resolve, reject });
      this.#socket.write(line);
      this.#socket.write(bytes);
    });
  }

  #onData(chunk: Buffer): void {
    this.#inbox.push(chunk);
    try {
      while (this.#step());
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Takes one line or one answer's bytes; false when more has to come. */
  #step(): boolean {
    if (this.#header === undefined) {
      const line = this.#inbox.takeLine();
      if (line === undefined) return false;
      if (line === "ready") this.#becomeReady();
      else this.#header = parseHeader(line);
      return true;
    }
    const { id, code, out, err } = this.#header;
    if (this.#inbox.length < out + err) return false;
    const bytes = this.#inbox.take(out + err);
    this.#header = undefined;
    this.#pending.get(id)?.resolve({ code, stdout: bytes.subarray(0, out), stderr: bytes.subarray(out) });
    this.#pending.delete(id);
    return true;
  }

  #becomeReady(): void {
    this.#isReady = true;
    this.#onReady?.resolve({ code: 0, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) });
  }
}

async function withDeadline<T>(promise: Promise<T>, timeoutMs: number, message: () => string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new RebootlessError("io", message())), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
