import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import { Agent } from "../../../../publisher/try/guest/agent.ts";

/** The guest's end of the port: what was written to it, and a way to answer. */
function port() {
  let written = "";
  const socket = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      written += chunk.toString();
      done();
    },
  });
  return {
    agent: new Agent(socket as unknown as Socket),
    answer: (text: string) => void socket.push(text),
    written: () => written,
  };
}

describe("the agent of a guest", () => {
  it("sends scripts by their lengths, and takes answers in any order and in any parts", async () => {
    const { agent, answer, written } = port();
    const [first, second] = [agent.run("echo one", 5000), agent.run("false", 5000)];
    answer("ready\n2 1 0 3\nno\n1 0 ");
    answer("4 0\non");
    answer("e\n");
    expect(`${(await first).stdout}`).toBe("one\n");
    expect(await second).toMatchObject({ code: 1, stderr: Buffer.from("no\n") });
    expect(written()).toBe("exec 1 8\necho oneexec 2 5\nfalse");
  });

  it("ends what runs too long, and says what it printed until then", async () => {
    const { agent, answer } = port();
    const late = agent.run("sleep 60", 20);
    setTimeout(() => answer("1 137 5 0\nhello"), 60);
    await expect(late).rejects.toMatchObject({ code: "io", message: expect.stringContaining("hello") });
  });

  it.each([
    ["words", "no answer\n"],
    ["too few numbers", "1 0 1\n"],
    ["a negative length", "1 0 -1 2\n"],
    ["an answer of more than it may have", "1 0 600000000 0\n"],
    ["a line without an end", "1".repeat(200)],
  ])("takes nothing of a guest that sends %s", async (_what, text) => {
    const { agent, answer } = port();
    const waiting = agent.run("true", 5000);
    answer(text);
    await expect(waiting).rejects.toMatchObject({ code: "parse" });
    await expect(agent.run("true", 5000)).rejects.toMatchObject({ code: "parse" });
  });
});
