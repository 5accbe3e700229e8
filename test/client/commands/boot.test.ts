import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { journalFile, journalPath } from "../../../client/journal/file.ts";
import { openJournal } from "../../../client/journal/journal.ts";
import { bootId, type Event } from "../../../client/journal/record.ts";
import { updateOf } from "../../support/edge/repository.ts";
import { intent, outcome } from "../journal/sample.ts";
import { ID, SmallHost } from "./small_host.ts";

const BEFORE = bootId("11111111-2222-4333-8444-555555555555");
const NOW = bootId("01234567-89ab-cdef-0123-456789abcdef");

let host: SmallHost;
beforeEach(async () => {
  host = await SmallHost.make();
  await host.configure('feed = "https://nowhere.example/"\n');
});
afterEach(() => host.remove());

/** What a run of before wrote. */
async function wrote(boot: typeof NOW, ...events: readonly Event[]): Promise<void> {
  const file = journalFile(journalPath(host.places.stateDir, ID));
  const journal = await openJournal({ file, boot, clock: () => host.now, notice: () => undefined });
  for (const event of events) await journal.write(event);
}

const applied = (id: string) => [intent("apply", id), outcome("apply", id)];
const json = (text: string) => JSON.parse(text) as Record<string, unknown>;

/** Has the host verify a feed with one update, `fix`. */
async function verifiedFeed(): Promise<void> {
  const feed = await host.folder("feed", await host.feedJson(await updateOf("fix", Buffer.from("module"))));
  await host.configure(`feed = ${JSON.stringify(feed)}\n`);
  expect((await host.run("check")).code).toBe(0);
}

describe("boot", () => {
  it("does nothing on a host where nothing was applied", async () => {
    const { code, stdout } = await host.run("boot");
    expect([code, stdout.split("\n").at(-2)]).toEqual([0, "Nothing to apply again."]);
  });

  it("does nothing where a kill switch is set, and says which", async () => {
    await wrote(BEFORE, ...applied("fix"));
    await writeFile(join(host.places.configDir, "disabled"), "");
    expect(await host.run("boot")).toMatchObject({ code: 0, stdout: expect.stringContaining("disabled)") });
    const { stdout } = await host.run("boot", "--json");
    expect(json(stdout)).toMatchObject({ schema: 1, switched_off: expect.stringContaining("disabled") });
    expect(host.system.ran).toEqual([]);
  });

  it("loads nothing when what was verified is gone, and fails", async () => {
    await wrote(BEFORE, ...applied("fix"));
    const { code, stderr } = await host.run("boot");
    expect(code).toBe(4);
    expect(stderr).toContain("so these updates are not applied: fix");
    expect(host.system.ran).toEqual([]);
  });

  it("asks no feed: what is not cached stays out, and is named", async () => {
    await verifiedFeed();
    await wrote(BEFORE, ...applied("fix"));
    const { code, stdout } = await host.run("boot", "--json");
    expect(code).toBe(3);
    expect(json(stdout)).toMatchObject({ error: { code: "unreachable" } });
  });

  it("tells and logs what is suspected, and leaves it out", async () => {
    await verifiedFeed();
    await wrote(BEFORE, ...applied("fix"), intent("apply", "fix"));
    const { code, stdout } = await host.run("boot");
    expect(code).toBe(0);
    expect(stdout).toContain("suspect    fix: the host went down while this was being applied");
    expect(host.logged).toHaveLength(1);
    expect(host.system.ran).toEqual([]);
  });
});

describe("a suspect", () => {
  beforeEach(async () => {
    await verifiedFeed();
    await wrote(BEFORE, intent("apply", "fix"));
  });

  it("shows in status and is left out of an upgrade", async () => {
    const status = json((await host.run("status", "--json")).stdout);
    expect(status).toMatchObject({ suspects: [{ id: "fix", act: "apply", boot: BEFORE }] });
    const { code, stdout } = await host.run("upgrade");
    expect(code).toBe(0);
    expect(stdout).toContain("left out   fix: the host went down while this update was being changed");
  });

  it("is one no more after unhold", async () => {
    expect((await host.run("unhold", "fix")).stdout).toContain("released   fix");
    expect(json((await host.run("status", "--json")).stdout)).toMatchObject({ suspects: [] });
  });
});

describe("status", () => {
  const differences = async () => json((await host.run("status", "--json")).stdout)["differences"];

  it.each<[string, typeof NOW, readonly Event[], string]>([
    ["was cut short", NOW, [intent("apply", "fix")], "interrupted"],
    ["was taken out by something else", NOW, applied("fix"), "taken_out"],
    ["was not applied again", BEFORE, applied("fix"), "not_applied_again"],
  ])("says where the kernel and the journal differ: what %s", async (_, boot, events, difference) => {
    await wrote(boot, ...events);
    expect(await differences()).toEqual([{ id: "fix", difference }]);
    expect((await host.run("status")).stdout).toContain("differs    fix: ");
  });

  it("says what is in force and the journal does not know of", async () => {
    await verifiedFeed();
    host.system.patches.set("livepatch_fix", {
      enabled: true,
      left: 0,
      functions: ["vmlinux/cmdline_proc_show,1"],
    });
    expect(await differences()).toEqual([{ id: "fix", difference: "not_in_journal" }]);
  });
});

describe("history", () => {
  it("is empty on a new host", async () => {
    expect((await host.run("history")).stdout).toBe("This kernel has not been changed yet.\n");
  });

  it("tells what was done, boot by boot, and what came of it", async () => {
    await wrote(BEFORE, ...applied("fix"), intent("undo", "fix"));
    await wrote(NOW, { kind: "released", id: intent("undo", "fix").id });
    await wrote(NOW, intent("apply", "fix"), outcome("apply", "fix", "code_busy"), intent("apply", "other"));
    const { stdout } = await host.run("history");
    expect(stdout.split("\n").map((line) => line.replace(/^ {2}\S+ {2}/, ""))).toEqual([
      `boot ${BEFORE}`,
      "applied fix in 12 ms",
      "undo fix: begun, and the host went down",
      `boot ${NOW} (this one)`,
      "fix: not a suspect any more",
      "apply fix: not done, code_busy: because of code_busy",
      "apply other: begun",
      "",
    ]);
    const { records } = json((await host.run("history", "--json")).stdout);
    expect(records).toHaveLength(7);
  });
});

describe("undo", () => {
  it("forgets what was applied before a reboot and is not there any more", async () => {
    await wrote(BEFORE, ...applied("fix"));
    const { code, stdout } = await host.run("undo", "fix");
    expect([code, stdout]).toEqual([0, expect.stringContaining("undone     fix")]);
    expect(json((await host.run("status", "--json")).stdout)).toMatchObject({ differences: [] });
    expect((await host.run("undo", "fix")).code).toBe(2);
  });

  it("knows what no manifest names any more", async () => {
    await wrote(NOW, ...applied("fix"));
    host.system.modules.add("livepatch_fix");
    host.system.patches.set("livepatch_fix", { enabled: true, left: 0, functions: [] });
    expect((await host.run("undo", "--all")).code).toBe(0);
    expect([...host.system.modules]).toEqual([]);
  });
});
