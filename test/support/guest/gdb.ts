import type { Socket } from "node:net";
import { connectUnix } from "../../../publisher/try/guest/unix_socket.ts";
import { RebootlessError } from "../../../shared/errors.ts";

/*
 * The part of the GDB remote serial protocol that reads and writes a stopped machine's memory. A packet is
 * `$` text `#` checksum, where the checksum is the sum of the text's bytes modulo 256 as two hex digits; the
 * receiver answers `+` or, to have it again, `-`. QEMU stops the machine when a client connects; `D` (detach) lets it
 * run on. Addresses are physical (`Qqemu.PhyMemMode`): with page-table isolation a processor that happens to be in
 * user mode has no mapping of the kernel's text.
 */

const ANSWER_TIMEOUT_MS = 20_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** QEMU takes packets of up to 4096 characters; two of them make a byte. */
const CHUNK_BYTES = 1024;
/** Sent unasked when the machine stops; answers to what is asked here never look like it. */
const STOP_NOTICE = /^[ST][0-9a-f]{2}/;

function checksum(text: string): string {
  let sum = 0;
  for (const byte of Buffer.from(text, "latin1")) sum = (sum + byte) & 0xff;
  return sum.toString(16).padStart(2, "0");
}

class GdbConnection {
  readonly #socket: Socket;
  #received = "";
  #failure: Error | undefined;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => {
      this.#received += text;
      this.#wake();
    });
    const fail = (cause?: Error): void => {
      this.#failure ??= new RebootlessError("io", "the gdb stub closed the connection", { cause });
      this.#wake();
    };
    socket.on("error", fail);
    socket.on("close", () => fail());
  }

  /** Sends a packet and returns the answer's text. Throws `io` on a broken or late answer. */
  async ask(text: string): Promise<string> {
    this.#socket.write(`$${text}#${checksum(text)}`);
    const deadline = Date.now() + ANSWER_TIMEOUT_MS;
    for (;;) {
      const answer = this.#takePacket();
      if (answer !== undefined && STOP_NOTICE.test(answer)) continue;
      if (answer !== undefined) return answer;
      if (this.#failure !== undefined) throw this.#failure;
      if (Date.now() >= deadline) throw new RebootlessError("io", `the gdb stub did not answer to ${text}`);
      await this.#moreOr(deadline - Date.now());
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  /** The next whole packet, acknowledged; what precedes it (acknowledgements) is dropped. */
  #takePacket(): string | undefined {
    const match = /\$([^#]*)#([0-9a-f]{2})/.exec(this.#received);
    if (match === null) return undefined;
    this.#received = this.#received.slice(match.index + match[0].length);
    const [, text = "", sum] = match;
    if (checksum(text) !== sum) {
      this.#socket.write("-");
      return undefined;
    }
    this.#socket.write("+");
    return text;
  }

  #moreOr(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Physical memory of a machine that stands still. */
export interface PhysicalMemory {
  read(address: number, length: number): Promise<Buffer>;
  write(address: number, bytes: Uint8Array): Promise<void>;
}

async function expectOk(connection: GdbConnection, packet: string): Promise<void> {
  const answer = await connection.ask(packet);
  if (answer !== "OK") {
    throw new RebootlessError("io", `the gdb stub answered ${answer || "nothing"} to ${packet.slice(0, 40)}`);
  }
}

function memoryOver(connection: GdbConnection): PhysicalMemory {
  return {
    async read(address, length) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < length; at += CHUNK_BYTES) {
        const size = Math.min(CHUNK_BYTES, length - at);
        const answer = await connection.ask(`m${(address + at).toString(16)},${size.toString(16)}`);
        const chunk = Buffer.from(answer, "hex");
        if (chunk.length !== size) {
          throw new RebootlessError(
            "io",
            `wanted ${size} bytes at 0x${(address + at).toString(16)}: ${answer}`,
          );
        }
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    },
    async write(address, bytes) {
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
        const chunk = Buffer.from(bytes.subarray(at, at + CHUNK_BYTES));
        const place = `${(address + at).toString(16)},${chunk.length.toString(16)}`;
        await expectOk(connection, `M${place}:${chunk.toString("hex")}`);
      }
    },
  };
}

/**
 * Stops the machine behind a gdb stub's socket, lets `action` work on its memory, and lets it run on, also when
 * `action` failed. Throws `io` when the stub does not do as told.
 */
export async function withStoppedMachine<T>(
  socketPath: string,
  action: (memory: PhysicalMemory) => Promise<T>,
): Promise<T> {
  const connection = new GdbConnection(await connectUnix(socketPath, CONNECT_TIMEOUT_MS));
  try {
    await expectOk(connection, "Qqemu.PhyMemMode:1");
    return await action(memoryOver(connection));
  } finally {
    await connection.ask("D").catch(() => {});
    connection.close();
  }
}
