import { expect, it } from "vitest";
import { Mutex } from "../../edge/keyed_mutex.ts";

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

it("runs one after the other, in the order of the calls, also after a failure", async () => {
  const line = new Mutex();
  const log: string[] = [];
  const work = (name: string, milliseconds: number) =>
    line.run(async () => {
      log.push(`${name} begins`);
      await pause(milliseconds);
      log.push(`${name} ends`);
      return name;
    });
  const failing = line.run(async () => Promise.reject(new Error("no")));
  const all = [work("slow", 20), work("fast", 0)];
  await expect(failing).rejects.toThrow("no");
  expect(await Promise.all(all)).toEqual(["slow", "fast"]);
  expect(log).toEqual(["slow begins", "slow ends", "fast begins", "fast ends"]);
});
