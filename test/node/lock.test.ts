import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { folderLock } from "../../node/lock.ts";

let dir: string;
let other: ChildProcess | undefined;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-lock-"));
});
afterEach(async () => {
  other?.kill("SIGKILL");
  other = undefined;
  await rm(dir, { recursive: true });
});

/** Another process that takes the lock and keeps it. Returns once it has it. */
async function holdElsewhere(): Promise<ChildProcess> {
  const module = resolve(import.meta.dirname, "../../node/lock.ts");
  const script = `
    const { folderLock } = await import(${JSON.stringify(module)});
    await folderLock(${JSON.stringify(dir)}).take();
    await new Promise((resolve) => {
      process.stdout.write("held");
      process.stdin.once("data", resolve);
    });
    process.exit(0);`;
  other = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", script], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  if (other.stdout) await once(other.stdout, "data");
  return other;
}

/** An action under the lock. */
async function withLock<T>(folder: string, action: () => Promise<T>, waitMs?: number): Promise<T> {
  const lock = folderLock(folder, waitMs === undefined ? {} : { waitMs });
  try {
    await lock.take();
    return await action();
  } finally {
    lock.release();
  }
}

describe("the lock", () => {
  it("may be taken again by who has it, and once more after it was let go", async () => {
    const lock = folderLock(dir, { waitMs: 1 });
    await lock.take();
    await lock.take();
    lock.release();
    await lock.take();
    lock.release();
  });

  it("is shared by those who say so, and not with one that wants it alone", async () => {
    const [one, two] = [
      folderLock(dir, { waitMs: 0, shared: true }),
      folderLock(dir, { waitMs: 0, shared: true }),
    ];
    const alone = folderLock(dir, { waitMs: 0 });
    await one.take();
    await two.take();
    await expect(alone.take()).rejects.toMatchObject({ code: "locked" });
    one.release();
    await expect(alone.take()).rejects.toMatchObject({ code: "locked" });
    two.release();
    await alone.take();
    await expect(one.take()).rejects.toMatchObject({ code: "locked" });
    alone.release();
  });

  it("is taken, makes the state folder and gives back what the action returns", async () => {
    const below = join(dir, "state");
    expect(await withLock(below, async () => 7)).toBe(7);
    expect(await withLock(below, async () => 8)).toBe(8);
  });

  it("is let go when the action fails", async () => {
    await expect(withLock(dir, async () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await withLock(dir, async () => 1, 1)).toBe(1);
  });

  it("runs one action at a time within a process too", async () => {
    const order: string[] = [];
    const action = (name: string) => async () => {
      order.push(`${name} begins`);
      await new Promise((resolve) => setTimeout(resolve, 50));
      order.push(`${name} ends`);
    };
    await Promise.all([withLock(dir, action("one")), withLock(dir, action("two"))]);
    expect(order.filter((_, i) => i % 2 === 1)).toEqual(
      order.filter((_, i) => i % 2 === 0).map((line) => line.replace("begins", "ends")),
    );
  });

  it("makes who comes second wait until the first is done", async () => {
    const first = await holdElsewhere();
    let entered = false;
    const second = withLock(dir, async () => {
      entered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(entered).toBe(false);
    first.stdin?.write("done");
    await second;
    expect(entered).toBe(true);
  });

  it("gives up after a while, and says who to look for", async () => {
    await holdElsewhere();
    const action = () => Promise.reject(new Error("it got in"));
    await expect(withLock(dir, action, 600)).rejects.toMatchObject({
      code: "locked",
      message: expect.stringContaining(dir),
    });
  });

  it("is free at once when its holder is killed", async () => {
    const first = await holdElsewhere();
    first.kill("SIGKILL");
    await once(first, "exit");
    expect(await withLock(dir, async () => "mine", 1)).toBe("mine");
  });

  it("that cannot be opened is an error of the file system", async () => {
    await mkdir(join(dir, "lock"));
    await expect(withLock(dir, async () => 1)).rejects.toMatchObject({ code: "io" });
  });
});
