import { gzipSync } from "node:zlib";

/** Without name and time, so that the same bytes stay the same bytes. */
export const gzip = (bytes: Uint8Array): Buffer => gzipSync(bytes, { level: 9 });
