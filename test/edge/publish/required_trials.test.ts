import { describe, expect, it } from "vitest";
import { fromUtf8, utf8 } from "../../../shared/bytes.ts";
import { decodeManifest, encodeManifest } from "../../../shared/feed/manifest.ts";
import type { Update } from "../../../shared/feed/update.ts";
import { systemClock } from "../../../shared/time.ts";
import { inProcess } from "../../support/edge/in_process.ts";
import { ceremony, manifestOf, signedTargets, someBuildId, updateOf } from "../../support/edge/repository.ts";

const MODULE = utf8("\u007fELF a module");
const OTHER_MODULE = utf8("\u007fELF another module");
const id = someBuildId();

const tried = async (name: string, module = MODULE): Promise<Update> => ({
  ...(await updateOf(name, module)),
  tried: {
    when: systemClock(),
    buildId: id,
    engine: "qemu",
    accelerator: "tcg",
    cpu: "Haswell",
    steps: ["apply"],
    exercise: null,
  },
});

/** An edge that has both modules, and a function that publishes updates to it on top of what is in force. */
async function edgeThat(requireTried: string | undefined) {
  const made = await ceremony();
  const edge = await inProcess(made, systemClock, { bindings: { REQUIRE_TRIED: requireTried } });
  let base = 0;
  return {
    edge,
    async publish(...updates: readonly Update[]) {
      for (const module of [MODULE, OTHER_MODULE]) await edge.publisher.stage(module);
      const manifest = encodeManifest(manifestOf(id, updates));
      const targets = await signedTargets(made, id, manifest, { version: base + 1 });
      const answer = await edge.publisher.publish({ buildId: id, base, manifest, targets });
      if (answer.status === 201) base += 1;
      return answer;
    },
  };
}

describe("an edge that takes only tried updates", () => {
  it("refuses a new update that was not tried, and takes one that was", async () => {
    const { edge, publish } = await edgeThat("yes");
    const refused = await publish(await updateOf("fix-1", MODULE));
    expect(refused.status).toBe(422);
    expect(fromUtf8(refused.bytes)).toContain("update fix-1 does not say that it was tried");
    expect((await publish(await tried("fix-1"))).status).toBe(201);
    const bundle = await edge.publisher.feed(id);
    expect(decodeManifest(bundle.manifest).updates[0]?.tried?.cpu).toBe("Haswell");
  });

  it("takes what is in force again, and recalls", async () => {
    const { publish } = await edgeThat("yes");
    expect((await publish(await tried("fix-1"))).status).toBe(201);
    expect((await publish(await updateOf("fix-1", MODULE))).status).toBe(201);
    const recalled = { ...(await updateOf("fix-2", MODULE)), recalled: "it leaks" };
    expect((await publish(await updateOf("fix-1", MODULE), recalled)).status).toBe(201);
  });

  it("refuses another module under an id that is in force", async () => {
    const { publish } = await edgeThat("yes");
    expect((await publish(await tried("fix-1"))).status).toBe(201);
    expect((await publish(await updateOf("fix-1", OTHER_MODULE))).status).toBe(422);
  });
});

describe("an edge that takes every update", () => {
  it.each([undefined, "no"])("takes one that was not tried, with REQUIRE_TRIED %s", async (setting) => {
    const { publish } = await edgeThat(setting);
    expect((await publish(await updateOf("fix-1", MODULE))).status).toBe(201);
  });
});
