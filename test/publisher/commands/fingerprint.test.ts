import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildId } from "../../../shared/brand.ts";
import { decodeBundle } from "../../../shared/feed/bundle.ts";
import { decodeManifest, encodeManifest } from "../../../shared/feed/manifest.ts";
import { artifactPath, feedPath } from "../../../shared/feed/paths.ts";
import { openFingerprints } from "../../../shared/runpre/file/decode.ts";
import { manifestOf, someBuildId } from "../../support/edge/repository.ts";
import { BUILD_ID, buildKernelElf } from "../../support/kernel_builder.ts";
import { cli, jsonOf, mustCli } from "./cli.ts";
import { FEED, type ServedEdge, serveEdge } from "./served_edge.ts";

const ID = buildId(BUILD_ID);

let dir: string;
let image: string;
let file: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "rebootless-fingerprint-"));
  image = join(dir, "vmlinux");
  file = join(dir, "kernel.fp");
  await writeFile(image, buildKernelElf());
});
afterAll(() => rm(dir, { recursive: true }));

describe("fingerprint", () => {
  it("writes a whole kernel's to a file, and names what it had to leave out", async () => {
    const outcome = await cli(["--json", "fingerprint", image, "-o", file]);
    expect(outcome.code, outcome.stderr).toBe(0);
    const opened = openFingerprints(new Uint8Array(await readFile(file)));
    expect(opened).toMatchObject({ kernel: { buildId: ID }, object: { name: "vmlinux", buildId: ID } });
    const names = [...opened.functions()].map(({ name }) => name);
    expect(names).toContain("fn_branching");
    expect(names).not.toContain("fn_odd_return");
    expect(outcome.stderr).toContain("warning: fn_odd_return: ");
    expect(jsonOf(outcome)).toMatchObject({
      kernel: { build_id: ID },
      output: file,
      functions: opened.count,
      refused: expect.arrayContaining([
        expect.objectContaining({ name: "fn_odd_return", code: "unsupported" }),
      ]),
    });
  });

  it("is not written into a folder that is not there, which is said and no fault of the program", async () => {
    const nowhere = join(dir, "nowhere/kernel.fp");
    const { code, stderr } = await cli(["fingerprint", image, "-o", nowhere]);
    expect(code).toBe(2);
    expect(stderr).toContain(`error: cannot write ${nowhere}: ${join(dir, "nowhere")} is not there\n`);
  });

  it("is not written over a file that is there, unless told to", async () => {
    const kept = join(dir, "kept.fp");
    await writeFile(kept, "kept");
    const { code, stderr } = await cli(["fingerprint", image, "-o", kept]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("hint: `--force` replaces it")]);
    expect(await readFile(kept, "utf8")).toBe("kept");
    await mustCli(["fingerprint", image, "-o", kept, "--force"]);
    expect(await readFile(kept)).not.toEqual(Buffer.from("kept"));
  });

  it("says what single functions must look like", async () => {
    const outcome = await cli(["--json", "fingerprint", image, "fn_branching"]);
    expect(jsonOf(outcome)).toMatchObject({ functions: [{ name: "fn_branching" }] });
  });

  it.each([[[]], [["fn_branching", "-o", "/dev/null"]]])("wants one of both: %j", async (args) => {
    expect((await cli(["fingerprint", image, ...args])).code).toBe(2);
  });
});

describe("push --fingerprints", () => {
  let feed: string;
  let served: ServedEdge;
  beforeAll(async () => {
    feed = join(dir, "feed");
    await mustCli(["init", feed, ...FEED]);
    served = await serveEdge(feed);
    await mustCli(["fingerprint", image, "-o", file, "--force"]);
  });
  afterAll(() => served.close());

  const push = (...args: readonly string[]) => cli(["--json", "push", feed, ...args, "--feed", served.url]);
  const get = async (path: string) =>
    new Uint8Array(await (await fetch(new URL(path, served.url))).arrayBuffer());

  it("publishes the file by itself, which stays with the next draft", async () => {
    const outcome = await push("--fingerprints", file);
    expect(outcome.code, outcome.stderr).toBe(0);
    const draft = join(dir, "draft.json");
    await writeFile(draft, encodeManifest(manifestOf(ID, [])));
    expect((await push(draft)).code).toBe(0);
    const { fingerprints } = decodeManifest(decodeBundle(await get(feedPath(ID))).manifest);
    if (!fingerprints) throw new Error("the manifest names none");
    expect(await get(artifactPath(fingerprints.sha256))).toEqual(new Uint8Array(await readFile(file)));
  });

  it("refuses another kernel's, and what is none", async () => {
    const draft = join(dir, "other.json");
    await writeFile(draft, encodeManifest(manifestOf(someBuildId(), [])));
    expect((await push(draft, "--fingerprints", file)).code).toBe(2);
    expect((await push("--fingerprints", draft)).code).toBe(1);
    expect((await push()).code).toBe(2);
  });
});
