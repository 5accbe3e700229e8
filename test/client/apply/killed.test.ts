import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TrustDir } from "../../../client/trust/trust_dir.ts";
import { updateId } from "../../../shared/brand.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { cheapDirectory } from "./cheap_directory.ts";
import { updateOf } from "./kernel.ts";
import { KillableHost } from "./killable_host.ts";

let work: string;
let directory: TrustDir;
beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "rebootless-killed-"));
  directory = cheapDirectory(work);
});
afterAll(() => rm(work, { recursive: true }));

const a = updateOf("a", ["first"]);
const b = updateOf("b", ["second"], { depends: ["a"] });
const c = updateOf("c", ["third"]);
const r = updateOf("r", ["first", "second", "third"], { replace: true, supersedes: ["a", "b", "c"] });
const modules = (...updates: readonly Update[]) => updates.map(({ module }) => module.name as string);

interface Story {
  readonly before: (host: KillableHost) => Promise<void>;
  /** The run that is killed. */
  readonly run: (host: KillableHost) => Promise<unknown>;
  readonly after: readonly string[];
}

const three: Story = {
  before: async () => undefined,
  run: (host) => host.upgrade(),
  after: modules(a, b, c),
};
const replacing: Story = {
  before: async (host) => {
    await host.upgrade();
    host.updates = [a, b, c, r];
  },
  run: (host) => host.upgrade(),
  after: modules(r),
};
const undoing: Story = {
  before: async (host) => void (await host.upgrade()),
  run: (host) => host.undoAll(),
  after: [],
};

async function hostBefore(story: Story): Promise<KillableHost> {
  const host = new KillableHost(directory, [a, b, c, r]);
  host.updates = [a, b, c];
  await story.before(host);
  return host;
}

/** One host for each step before which the client can be cut short. */
async function* cutAnywhere(story: Story, cut: "left" | "stopsIn"): AsyncGenerator<KillableHost> {
  const whole = await hostBefore(story);
  const from = whole.steps;
  await story.run(whole);
  const steps = whole.steps - from;
  expect(steps).toBeGreaterThan(5);
  for (let left = 0; left < steps; left++) {
    const host = await hostBefore(story);
    host[cut] = left;
    await story.run(host).catch(() => undefined);
    host[cut] = Number.POSITIVE_INFINITY;
    yield host;
  }
}
const killedAnywhere = (story: Story) => cutAnywhere(story, "left");

/** The kernel has this in force and nothing else; the journal knows it, and leaves nothing open. */
async function expectSettled(host: KillableHost, inForce: readonly string[]): Promise<void> {
  expect(host.inForce()).toEqual(inForce);
  expect([...host.kernel.modules].sort()).toEqual(inForce);
  const { applied, open } = await host.ledger();
  expect([...applied.values()].map(({ module }) => module as string).sort()).toEqual(inForce);
  expect(open).toBeUndefined();
}

describe.each([
  ["an upgrade", three],
  ["an upgrade by an atomic replace", replacing],
  ["an undo", undoing],
])("%s that is killed before any step", (_, story) => {
  it("is brought to its end by the next run", async () => {
    for await (const host of killedAnywhere(story)) {
      await story.run(host);
      await expectSettled(host, story.after);
      expect((await host.ledger()).suspects.size).toBe(0);
    }
  });

  it("leaves after a reboot what was applied, and suspects what was under way", async () => {
    for await (const host of killedAnywhere(story)) {
      const { open } = await host.ledger();
      host.reboot();
      const { applied, suspects } = await host.ledger();
      expect([...suspects.keys()]).toEqual(open ? [open.id] : []);
      const results = await host.boot();
      const kept = [...applied].filter(([id]) => !suspects.has(id));
      const stands = kept.filter(([id]) => !(id === "b" && suspects.has(updateId("a"))));
      const superseded = applied.has(updateId("r")) && !suspects.has(updateId("r"));
      expect(host.inForce()).toEqual(
        superseded ? modules(r) : stands.map(([, { module }]) => module as string).sort(),
      );
      expect(results.filter(({ result }) => result === "failed")).toEqual([]);
      for (const id of suspects.keys()) await host.upgrade({ asked: new Set([id]) });
      await host.upgrade();
      await expectSettled(host, host.updates.includes(r) ? modules(r) : modules(a, b, c));
      expect((await host.ledger()).suspects.size).toBe(0);
    }
  });
});

describe.each([
  ["an upgrade", three],
  ["an upgrade by an atomic replace", replacing],
  ["an undo", undoing],
])("%s that is asked to end before any step", (_, story) => {
  it("leaves nothing half done, and is brought to its end by the next run", async () => {
    let unfinished = 0;
    for await (const host of cutAnywhere(story, "stopsIn")) {
      expect(host.stop.signal.aborted).toBe(true);
      const now = host.inForce();
      if (now.join() !== story.after.join()) unfinished++;
      await expectSettled(host, now);
      host.stop = new AbortController();
      await story.run(host);
      await expectSettled(host, story.after);
    }
    expect(unfinished).toBeGreaterThan(2);
  });
});

it("a transition that a killed run left is not turned back and forth by one that is asked to end", async () => {
  for await (const host of killedAnywhere(three)) {
    if (!(await host.ledger()).open || host.kernel.patches.size === 0) continue;
    host.stop.abort("SIGTERM");
    const before = JSON.stringify([...host.kernel.patches]);
    await host.upgrade().catch(() => undefined);
    if ([...host.kernel.patches.values()].some(({ left }) => left > 0))
      expect(JSON.stringify([...host.kernel.patches])).toBe(before);
    host.stop = new AbortController();
    await host.upgrade();
    await expectSettled(host, modules(a, b, c));
  }
});

it("a suspect is left out until it is asked for by its own name", async () => {
  const host = await hostBefore(three);
  await host.upgrade();
  await host.disk.cut(host.disk.bytes.indexOf(10) + 1); // the intent of the first, and nothing after it
  host.reboot();
  expect(await host.upgrade()).toMatchObject([
    { id: "c", result: "applied" },
    { id: "a", result: "left_out", why: { reason: "suspect" } },
    { id: "b", result: "left_out", why: { reason: "missing", needs: "a" } },
  ]);
  expect(await host.upgrade({ asked: new Set([updateId("b")]) })).toMatchObject([
    { id: "a", why: { reason: "suspect" } },
    { id: "b", why: { reason: "missing" } },
  ]);
  await host.upgrade({ asked: new Set([updateId("a")]) });
  await host.upgrade();
  await expectSettled(host, modules(a, b, c));
});
