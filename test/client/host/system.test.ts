import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { linuxSystem } from "../../../client/host/system.ts";
import { folderLock } from "../../../node/lock.ts";

const system = linuxSystem(() => undefined);
let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-system-"));
});
afterEach(() => rm(dir, { recursive: true }));

describe("a program that is run", () => {
  it("tells how it ended, and what it said", async () => {
    expect(await system.run("true", [])).toEqual({ code: 0, stderr: "" });
    const failed = await system.run("ls", [join(dir, "a file; echo")]);
    expect(failed.code).toBe(2);
    expect(failed.stderr).toContain("a file; echo");
  });

  it("that does not exist is an ending like any other", async () => {
    expect(await system.run("no-such-program", [])).toMatchObject({ code: 127 });
  });

  it("that a signal ended is no success", async () => {
    expect(await system.run("sh", ["-c", "kill -TERM $$"])).toEqual({
      code: 127,
      stderr: "ended by SIGTERM",
    });
  });

  it("keeps the lock of a run that is killed, until it ends itself", async () => {
    const module = (name: string) => JSON.stringify(resolve(import.meta.dirname, `../../../${name}`));
    const script = `
      const { folderLock } = await import(${module("node/lock.ts")});
      const { linuxSystem } = await import(${module("client/host/system.ts")});
      const lock = folderLock(${JSON.stringify(dir)});
      await lock.take();
      const running = linuxSystem(lock.descriptor).run("sleep", ["2"]);
      process.stdout.write("running");
      await running;`;
    const run = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(run.stdout, "data");
    run.kill("SIGKILL");
    await once(run, "exit");
    const next = folderLock(dir, { waitMs: 30_000 });
    await expect(folderLock(dir, { waitMs: 1 }).take()).rejects.toMatchObject({ code: "locked" });
    await next.take();
    next.release();
  });
});
