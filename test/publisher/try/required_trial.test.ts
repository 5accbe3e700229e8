import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { sha256Of } from "../../../node/crypto.ts";
import { requireTrial, withTrial } from "../../../publisher/try/required_trial.ts";
import { encodeTried, type TriedDraft } from "../../../publisher/try/tried.ts";
import { utf8 } from "../../../shared/bytes.ts";
import { decodeManifest, encodeManifest, type KernelManifest } from "../../../shared/feed/manifest.ts";
import { parseInstant } from "../../../shared/time.ts";
import { manifestOf, someBuildId, updateOf } from "../../support/edge/repository.ts";
import { cli } from "../commands/cli.ts";
import { FEED, serveEdge } from "../commands/served_edge.ts";

const FILE = utf8("\u007fELF a module");
const OTHER_FILE = utf8("\u007fELF another one");

let folder: string;
let draft: KernelManifest;
let path: string;
let good: TriedDraft;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rebootless-trials-"));
  path = join(folder, "fix-1.json");
  draft = manifestOf(someBuildId(), [await updateOf("fix-1", FILE)]);
  const { kernel, updates } = draft;
  good = {
    when: parseInstant("2026-11-30T20:00:00Z"),
    kernel: { buildId: kernel.buildId, release: kernel.release },
    modules: updates.map(({ module }) => ({ name: module.name, sha256: module.sha256 })),
    machine: { accelerator: "tcg", cpu: "Haswell" },
    exercise: null,
    steps: [{ step: "boot", ms: 1 }],
    changes: [],
    verdict: { verdict: "ok" },
  };
  await writeFile(path, encodeManifest(draft));
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => rm(join(folder, "fix-1.tried.json"), { force: true }));

const beside = (bytes: Uint8Array) => writeFile(join(folder, "fix-1.tried.json"), bytes);

describe("a draft that must have been tried", () => {
  it("is taken after it passed", async () => {
    await beside(encodeTried(good));
    expect(await requireTrial(path, draft)).toEqual(good);
  });

  it("is refused if it was not tried", async () => {
    await expect(requireTrial(path, draft)).rejects.toMatchObject({
      code: "untried",
      message: `${path} was not tried: there is no ${join(folder, "fix-1.tried.json")}`,
      hint: expect.stringContaining("rebootless-publish try"),
    });
  });

  it.each<[string, () => TriedDraft, string]>([
    [
      "another kernel",
      () => ({ ...good, kernel: { ...good.kernel, buildId: someBuildId() } }),
      "is about the kernel with the build ID",
    ],
    [
      "another file of its module",
      () => ({ ...good, modules: good.modules.map((one) => ({ ...one, sha256: sha256Of(OTHER_FILE) })) }),
      "is not about this file of the module",
    ],
    ["no module", () => ({ ...good, modules: [] }), "is not about this file of the module"],
    [
      "a bad verdict",
      () => ({
        ...good,
        verdict: { verdict: "bad", fault: "taint", step: "load", detail: "the kernel is tainted", lines: [] },
      }),
      "says that the draft is bad, at the step load: the kernel is tainted",
    ],
  ])("is refused by the trial of %s", async (_what, tried, message) => {
    await beside(encodeTried(tried()));
    await expect(requireTrial(path, draft)).rejects.toMatchObject({
      code: "untried",
      message: expect.stringContaining(message),
    });
  });

  it("is refused by a file that `try` did not write", async () => {
    await beside(utf8('{"verdict":"ok"}'));
    await expect(requireTrial(path, draft)).rejects.toMatchObject({ code: "untried" });
  });
});

describe("a draft that need not have been tried", () => {
  const taken = async () => {
    const warnings: string[] = [];
    const { updates } = await withTrial(path, draft, (line) => warnings.push(line));
    return { tried: updates.map(({ tried }) => tried), warnings };
  };

  it("says nothing of a trial that there was not", async () => {
    expect(await taken()).toEqual({ tried: [undefined], warnings: [] });
  });

  it("says that it passed", async () => {
    await beside(encodeTried(good));
    expect(await taken()).toMatchObject({
      tried: [{ buildId: good.kernel.buildId, cpu: "Haswell" }],
      warnings: [],
    });
  });

  it("warns of a trial that does not speak for it", async () => {
    await beside(encodeTried({ ...good, modules: [] }));
    expect(await taken()).toEqual({
      tried: [undefined],
      warnings: [expect.stringContaining("is not about this file")],
    });
  });
});

describe("push --require-tried", () => {
  let feed: string;
  beforeAll(async () => {
    feed = join(folder, "feed");
    expect((await cli(["init", feed, "--no-passphrase"])).code).toBe(0);
  });
  // Nothing listens there: what is refused by its trial never asks.
  const push = (...more: readonly string[]) =>
    cli(["push", feed, ...more, "--feed", "http://127.0.0.1:9/", "--require-tried", "--yes"]);

  it("refuses a draft that was not tried before it asks the feed", async () => {
    const { code, stderr } = await push(path);
    expect(code).toBe(22);
    expect(stderr).toContain("was not tried");
  });

  it("refuses several drafts if one of them was not tried, and passes trials over as drafts", async () => {
    const drafts = join(folder, "drafts");
    await mkdir(drafts);
    await writeFile(join(drafts, "fix-1.json"), encodeManifest(draft));
    await writeFile(join(drafts, "fix-1.tried.json"), encodeTried(good));
    const second = manifestOf(someBuildId(), [await updateOf("fix-2", FILE)]);
    await writeFile(join(drafts, "fix-2.json"), encodeManifest(second));
    const { code, stderr } = await push(drafts);
    expect(stderr).toContain("fix-2.json was not tried");
    expect(code).toBe(22);
  });

  it("goes on to the feed with a draft that passed", async () => {
    await beside(encodeTried(good));
    expect((await push(path)).code).toBe(3);
  });

  it("signs the trial into the update, of one draft and of many", async () => {
    const dir = join(folder, "served");
    expect((await cli(["init", dir, ...FEED])).code).toBe(0);
    const served = await serveEdge(dir);
    try {
      const module = join(folder, "module.ko");
      await writeFile(module, FILE);
      await beside(encodeTried(good));
      const more = ["--module", module, "--feed", served.url, "--require-tried", "--yes"];
      expect(await cli(["push", dir, path, ...more])).toMatchObject({ code: 0 });
      const both = join(folder, "both");
      await mkdir(both);
      await writeFile(join(both, "fix-1.json"), encodeManifest(draft));
      await writeFile(join(both, "fix-1.tried.json"), encodeTried(good));
      expect((await cli(["push", dir, both, ...more])).stdout).toContain("nothing to publish");
      const bundle = await served.edge().publisher.feed(draft.kernel.buildId);
      expect(decodeManifest(bundle.manifest).updates).toMatchObject([
        { id: "fix-1", tried: { engine: "qemu", accelerator: "tcg", steps: ["boot"], exercise: null } },
      ]);
    } finally {
      await served.close();
    }
  });

  it("says that it needs drafts", async () => {
    expect((await push()).code).toBe(2);
  });
});
