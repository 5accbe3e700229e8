import { EventEmitter } from "node:events";
import { beforeEach, describe, expect, it } from "vitest";
import { processOf } from "../../../node/cli/run_command.ts";

class Stream extends EventEmitter {
  text = "";
  write(text: string): void {
    this.text += text;
  }
}

let node: { stdout: Stream; stderr: Stream; exitCode?: number };
beforeEach(() => {
  node = { stdout: new Stream(), stderr: new Stream() };
});

const started = () => processOf("rebootless", node as unknown as NodeJS.Process);

const failure = (code: string) => Object.assign(new Error(`write ${code}`), { code });

describe("a process whose output goes nowhere", () => {
  it("goes on, and is no failure, when its reader has seen enough", () => {
    started();
    node.stdout.emit("error", failure("EPIPE"));
    expect(node).toMatchObject({ stderr: { text: "" } });
    expect(node.exitCode).toBeUndefined();
  });

  it.each(["ENOSPC", "EIO"])("goes on at %s, and ends as failed", (code) => {
    started();
    node.stdout.emit("error", failure(code));
    expect(node.stderr.text).toBe(`error: cannot write to stdout: write ${code}\n`);
    expect(node.exitCode).toBe(1);
  });

  it("goes on when there is nobody to hear of progress", () => {
    const self = started();
    self.stderr("one\n");
    self.stderr("two\n");
    expect(node.stderr.listenerCount("error")).toBe(1);
    node.stderr.emit("error", failure("EIO"));
    expect(node.exitCode).toBeUndefined();
  });
});
