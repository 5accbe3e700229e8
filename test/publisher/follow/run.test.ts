import { describe, expect, it } from "vitest";
import { followOnce } from "../../../publisher/follow/run.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { FakeWorld, Killed, kernelNamed, patchNamed } from "./fake_world.ts";

const run = (world: FakeWorld) => followOnce(world.state, world.tools());
const states = (world: FakeWorld): readonly string[] =>
  world.state.items.map(({ fix, kernel, state }) => `${fix} ${kernel[0]} ${state.kind}`);

function worldOf(...names: readonly string[]): FakeWorld {
  const world = new FakeWorld();
  world.served = [kernelNamed("1"), kernelNamed("2")];
  world.found = names.map((name) => patchNamed(name));
  return world;
}

describe("a run of follow", () => {
  it("makes, tries and publishes each fix for each kernel, once", async () => {
    const world = worldOf("a", "b");
    await run(world);
    expect(states(world)).toEqual(["a 1 pushed", "a 2 pushed", "b 1 pushed", "b 2 pushed"]);
    await run(world);
    expect(world.published).toEqual(["a 1", "a 2", "b 1", "b 2"]);
  });

  it("tells apart what cannot be live, what fails its trial, and what is not needed", async () => {
    const world = worldOf("a", "b");
    world.making = (fix, { buildId }) => {
      if (fix === "a" && buildId.startsWith("1")) return { kind: "refused", reason: "a layout" };
      return fix === "a" ? { kind: "already in" } : undefined;
    };
    world.trial = (draft) => (draft.includes("-2-") ? { kind: "bad", reason: "an oops" } : { kind: "ok" });
    await run(world);
    const settled = ["a 1 refused", "a 2 already in", "b 1 pushed", "b 2 tried bad"];
    expect(states(world)).toEqual(settled);
    await run(world);
    expect(states(world)).toEqual(settled);
    expect(world.tried.size).toBe(2);
  });

  it("makes what is there already for a new kernel, too", async () => {
    const world = worldOf("a");
    await run(world);
    world.served.push(kernelNamed("3"));
    await run(world);
    expect(world.published).toEqual(["a 1", "a 2", "a 3"]);
  });

  it("gives a fix that has changed another ID, and gives up what was under way", async () => {
    const world = worldOf("a");
    world.mayPush = false;
    await run(world);
    world.found = [patchNamed("a", "better")];
    await run(world);
    expect(states(world)).toEqual(["a 1 superseded", "a 2 superseded", "a-2 1 waiting", "a-2 2 waiting"]);
    expect(world.state.fixes[1]?.supersedes).toEqual(["a"]);
    expect([...world.requests.values()].map(({ updates }) => updates.map(({ id }) => id))).toEqual([
      ["a-2"],
      ["a-2"],
    ]);
  });

  it("tries again what failed, three times at most", async () => {
    const world = worldOf("a");
    let asked = 0;
    world.making = (_, { buildId }) => {
      if (buildId.startsWith("2")) return undefined;
      asked += 1;
      return { kind: "broken", reason: "out of memory" };
    };
    for (let count = 0; count < 5; count++) await run(world);
    expect(asked).toBe(3);
    expect(states(world)).toEqual(["a 1 failed", "a 2 pushed"]);
    expect(world.state.items[0]?.state).toMatchObject({ step: "create", attempts: 3 });
  });

  it("goes on from the step that failed", async () => {
    const world = worldOf("a");
    world.served = [kernelNamed("1")];
    let broken = true;
    world.trial = () => (broken ? { kind: "broken", reason: "no QEMU" } : { kind: "ok" });
    await run(world);
    expect(states(world)).toEqual(["a 1 failed"]);
    broken = false;
    await run(world);
    expect(states(world)).toEqual(["a 1 pushed"]);
  });

  it("makes again what was not built once the archive has what was missing", async () => {
    const world = worldOf("a");
    world.served = [kernelNamed("1", { headers: undefined })];
    let asked = 0;
    world.making = (_, { headers }) => {
      asked += 1;
      return headers === undefined ? { kind: "not built", reason: "no headers" } : undefined;
    };
    await run(world);
    await run(world);
    expect(asked).toBe(1);
    world.served = [kernelNamed("1")];
    await run(world);
    expect(states(world)).toEqual(["a 1 pushed"]);
  });

  it("leaves a request where it does not sign, and where the keys cannot be opened", async () => {
    for (const set of ["mayPush", "hasKeys"] as const) {
      const world = worldOf("a", "b");
      world[set] = false;
      await run(world);
      expect(states(world)).toEqual(["a 1 waiting", "a 2 waiting", "b 1 waiting", "b 2 waiting"]);
      expect(world.published).toEqual([]);
      expect([...world.requests.values()].map(({ updates }) => updates.length)).toEqual([2, 2]);
    }
  });

  it("publishes a request that was signed, and makes one anew that others overtook", async () => {
    const world = worldOf("a");
    world.mayPush = false;
    await run(world);
    const [first, second] = [...world.requests.values()];
    Object.assign(first ?? {}, { complete: true });
    world.feed.set(kernelNamed("2").buildId, { version: 4, updates: [] });
    await run(world);
    expect(states(world)).toEqual(["a 1 pushed", "a 2 waiting"]);
    expect([...world.requests.values()]).toEqual([{ ...second, base: 4 }]);
  });

  it("takes for pushed what the feed has, whoever brought it there", async () => {
    const world = worldOf("a");
    world.mayPush = false;
    await run(world);
    for (const { release, buildId } of world.served) {
      const draft = `made/a/${release}/a.json`;
      world.feed.set(buildId, { version: 1, updates: [world.updateOf(draft)] });
    }
    await run(world);
    expect(states(world)).toEqual(["a 1 pushed", "a 2 pushed"]);
    expect(world.requests.size).toBe(0);
  });

  it("keeps what is ready for the next run if the feed does not answer", async () => {
    const world = worldOf("a");
    world.isReachable = false;
    await run(world);
    expect(states(world)).toEqual(["a 1 tried ok", "a 2 tried ok"]);
    expect(world.troubles.map(({ code }) => code)).toEqual(["unreachable"]);
    world.isReachable = true;
    await run(world);
    expect(states(world)).toEqual(["a 1 pushed", "a 2 pushed"]);
  });

  it("does not count a conflict with others as a failure", async () => {
    const world = worldOf("a");
    world.pushing = () => ({ kind: "later", error: new RebootlessError("conflict", "others were first") });
    for (let count = 0; count < 5; count++) await run(world);
    expect(states(world)).toEqual(["a 1 tried ok", "a 2 tried ok"]);
    world.pushing = () => undefined;
    await run(world);
    expect(states(world)).toEqual(["a 1 pushed", "a 2 pushed"]);
  });

  it("tells people once of what is new, and again if that did not get through", async () => {
    const world = worldOf("a");
    world.making = (_, { buildId }) =>
      buildId.startsWith("1") ? { kind: "refused", reason: "a layout" } : undefined;
    world.canTell = false;
    await run(world);
    expect(world.told).toEqual([]);
    world.canTell = true;
    await run(world);
    await run(world);
    expect(world.told).toEqual(["mail: a 1 refused", "mail: a 2 pushed"]);
  });
});

describe("a run that is killed", () => {
  /** The end of everything that lasts, without times. */
  const endOf = (world: FakeWorld): unknown => ({
    state: world.state,
    made: [...world.made].sort(),
    tried: [...world.tried].sort(),
    requests: [...world.requests].sort(),
    feed: [...world.feed].sort(),
    published: [...world.published].sort(),
    told: [...new Set(world.told)].sort(),
  });

  function scene(set: Partial<FakeWorld>): FakeWorld {
    const world = Object.assign(worldOf("a", "b", "c"), set);
    world.commits = [patchNamed("commit-1")];
    world.making = (fix, { buildId }) =>
      fix === "b" && buildId.startsWith("1") ? { kind: "refused", reason: "a layout" } : undefined;
    world.trial = (draft) =>
      draft.includes("/c/6.1.0-2-") ? { kind: "bad", reason: "oops" } : { kind: "ok" };
    return world;
  }

  /** Kills runs at moments of a world's life until one comes to its end. */
  async function lived(
    world: FakeWorld,
    killAt: number,
    change: (world: FakeWorld) => void,
  ): Promise<number> {
    world.killAt = killAt;
    let kills = 0;
    for (const each of [() => undefined, change, () => undefined]) {
      each(world);
      for (let isDone = false; !isDone; ) {
        try {
          await run(world);
          isDone = true;
        } catch (error) {
          if (!(error instanceof Killed)) throw error;
          kills += 1;
        }
      }
    }
    return kills;
  }

  const signAll = (world: FakeWorld): void => {
    for (const request of world.requests.values()) request.complete = true;
    world.served.push(kernelNamed("3"));
    world.found = [patchNamed("a"), patchNamed("b"), patchNamed("c", "better")];
  };

  it.each([{ mayPush: true }, { mayPush: false }, { hasKeys: false }])(
    "ends as one that was not, wherever it was killed (%o)",
    { timeout: 60_000 },
    async (set) => {
      const whole = scene(set);
      expect(await lived(whole, 0, signAll)).toBe(0);
      expect(whole.moments).toBeGreaterThan(60);
      for (let at = 1; at <= whole.moments; at++) {
        const world = scene(set);
        expect(await lived(world, at, signAll)).toBe(1);
        expect(endOf(world), `killed at ${at}`).toEqual(endOf(whole));
      }
    },
  );
});
