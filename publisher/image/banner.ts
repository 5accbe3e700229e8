import { ParseError } from "../../shared/errors.ts";
import type { LinkedMemory } from "./linked_memory.ts";

// The longest banner. It is one line of 150 to 300 characters, because it names the compiler and the linker.
const MAX_BANNER = 1024;
const START = "Linux version ";

/** The text of /proc/version, without the line's end, and the release in it (`uname -r`). */
export interface Banner {
  readonly banner: string;
  readonly release: string;
}

/** Finds the banner by its content. @throws ParseError if the kernel has none. */
export function findBanner(memory: LinkedMemory): Banner {
  for (const { bytes } of memory.segments) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = buffer.indexOf(START); at >= 0; at = buffer.indexOf(START, at + START.length)) {
      const line = /^Linux version ([0-9][^\s%]*) \([^\n\0]*/.exec(
        buffer.toString("latin1", at, at + MAX_BANNER),
      );
      if (line?.[1] !== undefined) return { banner: line[0], release: line[1] };
    }
  }
  throw new ParseError('the image has no banner ("Linux version ...")');
}
