import { accessSync, constants, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { openKernelLog } from "../../../client/host/kernel_log.ts";

const writable = (): boolean => {
  try {
    accessSync("/dev/kmsg", constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
};

describe.runIf(writable())("the kernel log", () => {
  it("gives what is logged after it was opened, and each line once", () => {
    const mark = `rebootless-test-${process.pid}-${Date.now()}`;
    writeFileSync("/dev/kmsg", `${mark} before\n`);
    const log = openKernelLog();
    try {
      writeFileSync("/dev/kmsg", `${mark} first; with a semicolon\n`);
      writeFileSync("/dev/kmsg", `${mark} second\n`);
      const ours = () => log.lines().filter((line) => line.includes(mark));
      expect(ours()).toEqual([`${mark} first; with a semicolon`, `${mark} second`]);
      expect(ours()).toEqual([]);
    } finally {
      log.close();
    }
  });
});
