import { EventEmitter } from "node:events";
import { expect, it } from "vitest";
import { stopRequests } from "../../node/stop.ts";

it("leaves signals to Node until they are heeded: then the first counts, and others change nothing", () => {
  const process = new EventEmitter();
  const said: string[] = [];
  const stop = stopRequests(process, (line) => said.push(line));
  expect(process.eventNames()).toEqual([]);

  stop.heed();
  stop.heed();
  expect(process.eventNames()).toEqual(["SIGINT", "SIGTERM"]);
  expect(process.listenerCount("SIGTERM")).toBe(1);
  expect(stop.signal.aborted).toBe(false);

  process.emit("SIGTERM");
  process.emit("SIGINT");
  process.emit("SIGTERM");
  expect(stop.signal).toMatchObject({ aborted: true, reason: "SIGTERM" });
  expect(said).toEqual(["SIGTERM: what is under way is finished or taken back, and nothing more is begun"]);
});
