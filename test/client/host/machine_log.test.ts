import { describe, expect, it } from "vitest";
import { machineLog } from "../../../client/host/machine_log.ts";
import type { Ran } from "../../../client/host/system.ts";
import { FakeSystem } from "../../support/fake_system.ts";

function logger(result: Ran) {
  const system = new FakeSystem();
  const ran: (readonly string[])[] = [];
  system.run = async (file, args) => {
    ran.push([file, ...args]);
    return result;
  };
  return { system, ran };
}

describe("the machine's log", () => {
  it("is told by logger, whatever the line begins with", async () => {
    const { system, ran } = logger({ code: 0, stderr: "" });
    await machineLog(system, {})("-f applied fix-1");
    expect(ran).toEqual([["logger", "-t", "rebootless", "-p", "daemon.notice", "--", "-f applied fix-1"]]);
  });

  it("is no reason to fail where there is none", async () => {
    const { system } = logger({ code: 127, stderr: "spawn logger ENOENT" });
    await expect(machineLog(system, {})("applied fix-1")).resolves.toBeUndefined();
  });

  it("has the line already where the terminal is the journal", async () => {
    const { system, ran } = logger({ code: 0, stderr: "" });
    await machineLog(system, { JOURNAL_STREAM: "8:12345" })("applied fix-1");
    expect(ran).toEqual([]);
  });
});
