import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bootPayload } from "../../../publisher/image/boot_image.ts";
import { decompressPayload } from "../../../publisher/image/decompress.ts";
import { openKernelImage } from "../../../publisher/image/kernel_image.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { findKernel } from "../../support/guest/machine.ts";

// Headers at the start, the relocation table and section headers at the end, and anywhere between.
const HEAD = 0x400;
const TAIL = 900_000;
/** An image of 50 MB is opened in 1 to 3 s; a machine that is busy takes some times that. */
const SLOW_MS = 30_000;

describe("a damaged image of a distribution's kernel", () => {
  const elf = decompressPayload(bootPayload(new Uint8Array(readFileSync(findKernel("secondary").vmlinuz))));
  const last = elf.length - 1;
  const place = fc.oneof(fc.nat(HEAD), fc.integer({ min: last - TAIL, max: last }), fc.nat(last));
  const changes = fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 40 });

  it("is a value or an error of ours, in bounded time and memory", { timeout: 240_000 }, () => {
    const before = process.memoryUsage().arrayBuffers;
    fc.assert(
      fc.property(changes, (list) => {
        const bytes = elf.slice();
        for (const [at, value] of list) bytes[at] = value;
        const started = performance.now();
        try {
          openKernelImage(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RebootlessError);
        }
        expect(performance.now() - started).toBeLessThan(SLOW_MS);
        // This copy, perhaps some before it that are still to be collected, and the tables made of it.
        expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * elf.length);
      }),
      { numRuns: 20, endOnFailure: true },
    );
  });
});
