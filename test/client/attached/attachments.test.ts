import { describe, expect, it } from "vitest";
import { readAttachments } from "../../../client/attached/attachments.ts";
import { KPROBES } from "../../../client/attached/kprobes.ts";
import { ENABLED_FUNCTIONS } from "../../../client/attached/traced.ts";
import { FakeSystem } from "../../support/fake_system.ts";

/** A machine on which these files can be read, and those cannot. */
function machine(files: Readonly<Record<string, string | Error>>) {
  const system = new FakeSystem();
  system.read = async (path) => {
    const file = files[path];
    if (file instanceof Error) throw file;
    return file;
  };
  return readAttachments(system, async () => []);
}

const denied = Object.assign(new Error("denied"), { code: "EPERM" });

describe("what is attached", () => {
  it("is read where it is mounted", async () => {
    const [, below] = ENABLED_FUNCTIONS;
    const found = await machine({ [below]: "schedule (1)\n", [KPROBES]: "0 k vfs_read+0x9 [OPTIMIZED]" });
    expect(found).toMatchObject({ traced: [{ name: "schedule" }], probes: [{ offset: 9 }], unread: [] });
  });

  it("is unknown where it is not mounted or kept closed, which is said", async () => {
    const found = await machine({ [KPROBES]: denied });
    expect(found).toEqual({ patches: [], traced: [], probes: [], unread: [ENABLED_FUNCTIONS[0], KPROBES] });
  });

  it("fails when something else goes wrong", async () => {
    const broken = Object.assign(new Error("broken"), { code: "EIO" });
    await expect(machine({ [KPROBES]: broken })).rejects.toThrow("broken");
  });
});
