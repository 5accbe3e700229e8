import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { runProgram } from "../../node/processes.ts";

const run = promisify(execFile);

it("does not keep this process alive after a program that cannot be run", { timeout: 60_000 }, async () => {
  const module = resolve(import.meta.dirname, "../../node/processes.ts");
  const script = `
    const { runProgram } = await import(${JSON.stringify(module)});
    await runProgram("no-such-program-here", []).catch((error) => console.log(error.message));`;
  const args = ["--import", "tsx", "--input-type=module", "-e", script];
  const { stdout } = await run(process.execPath, args, { timeout: 50_000 });
  expect(stdout).toBe("cannot run no-such-program-here\n");
});

it("ends a program that takes too long", async () => {
  const { code, signal } = await runProgram("sleep", ["100"], { timeoutMs: 200 });
  expect([code, signal]).toEqual([128, "SIGTERM"]);
});
